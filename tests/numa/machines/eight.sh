# Eight nodes in two halves that are far from each other.
linux 6.12
for cpu in 0 1 2 3 4 5 6 7; do node 256 $cpu; done
for near in 0 1 2 3; do
    for far in 4 5 6 7; do apart $near $far 32; done
done

checks() {
    everywhere
}

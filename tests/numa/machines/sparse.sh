# Node numbers with a gap: node 1 has no memory, and its CPU is unplugged from the running machine.
linux 6.12
parallel
node 256 0
node - 1
node 256 2
node 256 -

checks() {
    echo 1 >/sys/bus/acpi/devices/LNXCPU:01/eject
    until [ "$(cat /sys/devices/system/node/online)" = 0,2-3 ]; do sleep 0.1; done
    everywhere
    policies 0 2 0,2,3
    shattered 0
}

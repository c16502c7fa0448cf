# shellcheck shell=bash disable=SC2154
# Sourced by run-numa.sh: translates the hardware in a file of machines/ into arguments of qemu. The same file is read again inside the
# machine, by guest/init, which uses only the checks.
#
#   linux SERIES          the kernel: 6.12 has mm_cid and the node's number in the rseq area, 6.1 has neither
#   node MIB CPUS         the next node: its memory and its CPUs (0-1 or 2), - for none
#   apart A B DISTANCE    the distance of two nodes: 10 means none, and 20 is the default
#   setting WORD          one more word for the kernel's command line
#   parallel              the CPUs run in parallel, each in a thread of the host. Otherwise they take turns in a single thread, which is faster,
#                         because no CPU waits for a lock whose holder the host has preempted. qemu can unplug a CPU only if it has a thread

linux() { series=$1; }

node() {
    local numa=node,nodeid=$nodes
    [[ $1 == - ]] || { hardware+=(-object "memory-backend-ram,id=m$nodes,size=$1M") numa+=,memdev=m$nodes memory=$((memory + $1)); }
    [[ $2 == - ]] || numa+=,cpus=$2 cpus=$((${2#*-} + 1))
    hardware+=(-numa "$numa") nodes=$((nodes + 1))
}

apart() { distances[$1,$2]=$3 distances[$2,$1]=$3; }

setting() { settings+=" $1"; }
parallel() { threads=multi; }

# read_machine NAME: leaves the arguments in $hardware, $series, $settings and $threads.
read_machine() {
    series='' settings='' threads=single nodes=0 cpus=0 memory=0 hardware=()
    declare -gA distances=()
    # shellcheck source=/dev/null
    source "$here/machines/$1.sh"
    ((${#distances[@]} == 0)) || all_distances
    hardware+=(-m "$memory" -smp "$cpus")
}

# If one distance is given, qemu needs all of them.
all_distances() {
    local from to
    for ((from = 0; from < nodes; from++)); do
        for ((to = 0; to < nodes; to++)); do
            ((from == to)) || hardware+=(-numa "dist,src=$from,dst=$to,val=${distances[$from,$to]:-20}")
        done
    done
}

# boot NAME: runs the machine that was read until it ends; its console is standard output. Without cmpxchg16b, because it leaves wrong flags in
# qemu 7.2, and Linux 6.12 uses it in every kmalloc. Without autonuma, because it would correct wrong placements of the allocator. Without the check
# of the timer, which the emulator may fail when the host is busy.
boot() {
    qemu -M q35 -accel tcg,thread="$threads" -cpu max,cx16=off "${hardware[@]}" -nodefaults -display none -serial stdio -no-reboot \
        -pidfile "$work/$1.pid" -device isa-debug-exit,iobase=0xf4,iosize=0x04 -kernel "$(kernel_of "$series")" -initrd "$work/image" \
        -append "console=ttyS0 quiet panic=-1 mitigations=off tsc=unstable no_timer_check nokaslr numa_balancing=disable machine=$1$settings" </dev/null 2>&1
}

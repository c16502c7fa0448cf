# The meaning of a machine's file inside the machine: the checks. Every check runs twice, with rseq and with glibc's rseq switched off, and
# each run prints one line on the console:
#
#   ok      two: small objects                  rseq      1.2 s  99.98 % of 40960 at home

failed=0

# The words for the hardware do nothing here: the hardware exists already.
linux() { :; }
node() { :; }
apart() { :; }
setting() { :; }
parallel() { :; }

# check NAME CMD…: the command must succeed on larder.
check() {
    in_mode rseq "$@"
    in_mode no-rseq "$@"
}

in_mode() {
    local mode=$1 name=$2 started=$(now) word=ok status=0 tunables=
    shift 2
    [ $mode = rseq ] || tunables=GLIBC_TUNABLES=glibc.pthread.rseq=0
    timeout -k 5 180 env $tunables LD_PRELOAD=/lab/liblarder.so "$@" >out 2>err || status=$?
    [ $status = 0 ] || { word=FAILED failed=1; }
    printf '%-6s  %-44s %-8s %5s s  %s\n' $word "$machine: $name" $mode $(since $started) "$(tail -n 1 out)"
    [ $status = 0 ] || explain $status
}

explain() {
    cat out err | tail -n 8 | cut -c 1-200 | sed 's/^/        | /'
    echo "        exit status $1"
}

# Prints the time since the machine started, in hundredths of a second.
now() {
    local up
    read -r up _ </proc/uptime
    echo "${up%.*}${up#*.}"
}

since() {
    local passed=$(($(now) - $1))
    echo "$((passed / 100)).$((passed % 100 / 10))"
}

# --- the checks ---

# Checks for every machine with more than one node.
everywhere() {
    in_mode rseq "runs on larder" mode rseq
    in_mode no-rseq "runs on larder" mode fallback
    check "small objects" cross small 99
    check "small objects, threads that move" cross small 99 moving
    check "large objects" cross large 99
    check "large objects, threads that move" cross large 99 moving
    check "huge objects" cross huge 99
    check "counters" numastat
    figures
}

# Prints statistics in both forms. The host compares them (stats_json.py), because there is no Python here.
figures() {
    LD_PRELOAD=/lab/liblarder.so stats_json >out 2>err || echo "exit status $?" >out
    sed 's/^/json: /' out
    echo
    sed 's/^/table: /' err
}

# The process's memory policy as numactl sets it, the option, and the node that a call names. $1 and $2 are two nodes with memory; $3 is all nodes.
policies() {
    local all=${3:-$1,$2} mib size of
    for of in 16:100 40:300000 40:40000000; do
        mib=${of%:*} size=${of#*:}
        check "bound to node $2, objects of $size" policy bind $2 place $mib $size only $2
        check "preferring node $2, objects of $size" policy preferred $2 place $mib $size only $2
        check "asked of node $2, objects of $size" policy preferred $1 place $mib $size only $2 $2
        huge_pages never
        check "interleaved, objects of $size" policy interleave $1,$2 place $mib $size even $1,$2
        check "asked in turn, objects of $size" place $mib $size even $all in-turn
        huge_pages always
    done
    check "numa:bind" env LARDER_CONF=numa:bind:$2 place 40 9000 only $2
    check "numa:bind, objects of 40000000" env LARDER_CONF=numa:bind:$2 place 40 40000000 only $2
    check "numa:preferred" env LARDER_CONF=numa:preferred:$2 place 40 9000 only $2
    huge_pages never
    check "numa:interleave" env LARDER_CONF=numa:interleave place 40 9000 even $all
    check "policies of threads" follow $1 $2
    huge_pages always
    check "pages moved to node $2" migrate $1 $2
}

# The kernel interleaves page by page, whether small or huge, so the shares can be predicted only without huge pages.
huge_pages() { echo $1 >/sys/kernel/mm/transparent_hugepage/enabled; }

# If a huge page was asked for, the kernel would take one of another node before small pages of this node.
shattered() {
    echo 0 >/proc/sys/vm/compact_unevictable_allowed
    huge_pages always
    check "no huge page from afar" shatter $1 place 60 9000 only $1 $1
}

# Makes a control group with a cpuset of its own and prints its directory.
group_of_nodes() {
    mountpoint -q /sys/fs/cgroup || mount -t cgroup2 cgroup /sys/fs/cgroup
    echo +cpuset >/sys/fs/cgroup/cgroup.subtree_control
    mkdir -p /sys/fs/cgroup/nodes
    echo /sys/fs/cgroup/nodes
}

# The calls that a container's seccomp profile refuses. move_pages must work in the first check, whose program needs it to find out where pages lie.
sandbox() {
    local policies=mbind,get_mempolicy,set_mempolicy,migrate_pages error
    for error in EPERM ENOSYS; do
        check "no memory policies: $error" refuse $error $policies cross small 99 moving
        check "no NUMA call at all: $error" refuse $error $policies,move_pages,getcpu churn 2 4
    done
    check "no node to begin at" env LARDER_CONF=numa:bind:0-1 refuse EPERM set_mempolicy_home_node handed
    check "calls that the program forbids itself" told_once
}

# Programs whose output must be the same as on the system's malloc. They are called by their paths because busybox has programs of the same names.
programs() {
    seq 1 20000 | sed 's/\(.*\)\(.\)/\2 \1/' >lines
    sed 's/@ROWS@/1500/' /lab/sqlite.sql >work.sql
    same bash /bin/bash -c 'for i in {1..3000}; do x[i]=$((i * 7919 % 3001)); done; for i in {1..9}; do (echo "${x[@]:i}" | /bin/sort); done'
    same sort /bin/sort --parallel=4 -S 1M lines
    same xz /bin/bash -c '/bin/xz -T4 -2 --block-size=64KiB -c lines | /bin/xz -dc'
    same sqlite3 /bin/bash -c '/bin/sqlite3 -batch :memory: <work.sql'
    same perl /bin/perl -e '$h{$_ * 7919 % 10007}{$_} = "x" x ($_ % 300) for 1 .. 20000; print map { "$_ " . keys(%{$h{$_}}) . "\n" } sort keys %h'
}

# same NAME CMD…: the command must write the same on larder as without it.
same() {
    local name=$1
    shift
    "$@" >expected 2>&1 && [ -s expected ] || echo "fails on the system's malloc" >expected
    check "$name" sh /lab/gives.sh expected "$@"
}

# Prints how other allocators place the same objects, as lines of a table.
peers() {
    local peer
    printf '| %-10s %8s %8s %8s %8s\n' "$machine" small moving large moving
    for peer in glibc: jemalloc:/lab/libjemalloc.so.2 mimalloc:/lab/libmimalloc.so.2 larder:/lab/liblarder.so; do
        printf '| %-10s %8s %8s %8s %8s\n' ${peer%%:*} $(at_home small) $(at_home small moving) $(at_home large) $(at_home large moving)
    done
}

at_home() { LD_PRELOAD=${peer#*:} timeout 60 cross $1 0 $2 2>err | cut -d ' ' -f 1; }

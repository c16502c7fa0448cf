# within.sh CGROUP CMD…: executes the command in that cgroup.
echo $$ >"/sys/fs/cgroup/$1/cgroup.procs" || exit
shift
exec "$@"

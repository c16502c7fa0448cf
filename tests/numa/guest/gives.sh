# gives.sh FILE CMD…: the command must succeed, and its output must equal the file.
expected=$1
shift
"$@" >given 2>&1 || { tail -n 5 given; exit 1; }
cmp given "$expected"

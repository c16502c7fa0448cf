# Work for bash: prints the results. $1: the amount of work.
declare -A count
declare -a list
for ((i = 0, x = 1; i < $1; i++)); do
    x=$(((x * 69069 + 1) % 4294967296))
    printf -v word '%x-%o' "$x" "$i"
    list+=("${word//[0-3]/_}")
    count[${word:0:2}]=$((${count[${word:0:2}]:-0} + 1))
done
text="${list[*]}"
echo "${#text} ${#count[@]} ${text: -40}"
for key in "${!count[@]}"; do echo "$key ${count[$key]}"; done | sort | md5sum
for ((i = 0; i < 60; i++)); do (echo "${list[i]}" | tr a-f A-F | cat -n); done | md5sum
while read -r a b; do [[ $a =~ ^([a-f]+)_ ]] && echo "${BASH_REMATCH[1]} $b"; done < <(printf '%s\n' "${list[@]}") | md5sum
big=$(printf 'x%.0s' {1..200000})
cat <<END | wc -c
$big$big$big
END
shopt -s extglob
echo "${list[@]//+([a-z])/.}" | md5sum # element by element: on one long string it is quadratic
fibonacci() { (($1 < 2)) && echo "$1" || echo $(($(fibonacci $(($1 - 1))) + $(fibonacci $(($1 - 2))))); }
fibonacci 9

"""Reads the JSON that stats_json.c had larder_stats_json write, and the tables malloc_stats wrote right after it: well-formed, the same figures in
both, and fitting each other and the program."""

import json
import re
import sys

with open(sys.argv[1]) as document, open(sys.argv[2]) as tables:
    said, lines = json.load(document), tables.read().splitlines()
wrong = []


def check(so, what):
    if not so:
        wrong.append(what)


def row(name):
    """The numbers behind a row's name; none if there is no such row."""
    line = next((line for line in lines if line.startswith(name + "  ")), name)
    return [int(word) for word in line[len(name):].split() if word.isdigit()]


def rows(first, count):
    """The numbers of the rows below the one that begins with this word."""
    start = next(i for i, line in enumerate(lines) if line.split()[:1] == [first])
    found = [line.split() for line in lines[start + 1:]]
    found = found[:next((i for i, words in enumerate(found) if len(words) != count), len(found))]
    return [[word if not word.isdigit() else int(word) for word in words] for words in found]


used, free, given, limits = said["in_use"], said["free"], said["given_back"], said["limits"]
several = said["nodes"] > 1
head = re.match(r"larder (\S+), (.*), (\d+) nodes?$", lines[0])
check(head and head.groups() == (said["larder"], said["mode"], str(said["nodes"])), "version, mode and nodes are those of the first line")
for name, figures in {
    "in use, small": [used["small"], used["small_objects"]],
    "in use, large": [used["large"], used["large_objects"]],
    "in use, huge": [used["huge"], used["huge_objects"]],
    "free, in windows": [free["windows"]],
    "free, in depots": [free["depots"]],
    "free, in slabs": [free["slabs"]],
    "free, warm pages": [free["warm_pages"]],
    "free, warm huge ones": [free["warm_huge"]],
    "free, zero pages": [free["zero_pages"]],
    "reserved": [said["reserved"]],
    "committed": [said["committed"]],
    "metadata": [said["metadata"]],
    "given back so far": [given["total"]],
    "  directly by frees": [given["direct"]],
    "  not needed lately": [given["decay"]],
    "  idle": [given["idle"]],
    "  memory was short": [given["limit"]],
    "  trimmed": [given["trim"]],
    "taken again soon": [said["refaulted"]],
}.items():
    check(row(name) == figures, f"'{name}' is {figures}, not {row(name)}")
for name, figure in {
    "huge pages asked for": said["huge_pages"]["asked"],
    "from hugetlb so far": said["huge_pages"]["hugetlb"],
    "counted to the limits": limits["held"] if limits["ceiling"] else 0,
    "ceiling": limits["ceiling"] or 0,
    "limit": limits["limit"] or 0,
}.items():
    check((row(name) or [0])[0] == figure, f"'{name}' is {figure}, not {row(name)}")
check(limits["held"] is None and not limits["ceiling"] or limits["held"] > 0, "what counts to the limits is not known, or there is something")
check(said["huge_pages"]["resident"] is None or said["huge_pages"]["resident"] >= 0, "what lies in huge pages")

classes = said["slabinfo"]
order = ["size", "in_use", "in_windows", "in_depots", "in_slabs", "slab_bytes"]
check(rows("class", 6) == [[each[key] for key in order] for each in classes], "slabinfo is the table of classes")
by_size = {each["size"]: each for each in classes}
check(1000 <= by_size[64]["in_use"] < 1300, "the class of 64 bytes holds the program's 1000 objects")
check(200000 <= used["large"] < 2_000_000 and used["huge"] >= 64 << 20, "the large object and the huge one are in use")
check(used["small"] == sum(c["size"] * c["in_use"] for c in classes), "small objects are those of the classes")

arenas, nodes = said["arenas"], [arena for arena in said["arenas"] if arena["kind"] == "node"]
kinds = ["node"] * said["nodes"] + ["interleaved"] * several + ["spare"]
check([arena["kind"] for arena in arenas] == kinds, f"the arenas are {kinds}")
states = ["in_use", "warm", "zero", "min", "low", "high"]
kib = [[nr] + [arena["pages"][state] // 1024 for state in states] for nr, arena in enumerate(nodes)]
table = rows("node", 7)
check(table == kib, f"the nodes' pages are {table}")
for arena in arenas:
    pages = arena["pages"]
    check(pages["in_use"] + pages["warm"] + pages["zero"] == pages["committed"], "a page is in use, warm or zero")
    check(sum(pages["given_back"].values()) == 2 * pages["given_back"]["total"], "what was given back has its reasons")
    runs = sum(o["pages"] * o["zero"] for o in arena["buddyinfo"]) * 4096
    check(runs == pages["zero"], "zero pages are the zero runs of buddyinfo")
for key, sums in {"warm": free["warm_pages"], "zero": free["zero_pages"], "refaulted": said["refaulted"]}.items():
    check(sum(arena["pages"][key] for arena in arenas) == sums, f"{key} is the sum over the arenas")
whole = [[sum(arena["buddyinfo"][nr][kind] for arena in arenas) for kind in ("warm", "zero")] for nr in range(len(said["buddyinfo"]))]
check([[o["warm"], o["zero"]] for o in said["buddyinfo"]] == whole, "buddyinfo is the sum over the arenas")

check(said["numa"]["policy"] in ("local", "preferred", "bind", "interleave"), "there is a memory policy")
check(all(each["errno"] > 0 for each in said["numa"]["refused"]), "what was refused has an error")
if several:
    counters = ["numa_hit", "numa_miss", "numa_foreign", "interleave_hit", "local_node", "other_node", "remote_free"]
    start = max(i for i, line in enumerate(lines) if line.split()[:1] == ["node"])
    for arena, line in zip(arenas, lines[start + 1:]):
        words = line.split()
        check(words[0] == ("spread" if arena["node"] is None else str(arena["node"])), f"{words[0]} is the arena's name")
        check(words[1] == str(arena["used"]), f"node {words[0]} has {arena['used']} bytes in use")
        check(words[3:10] == [str(arena["numastat"][key]) for key in counters], f"the counters of node {words[0]}: {words}")
        where = arena["residence"]
        check(where is None or sum(each["pages"] for each in where["by_node"]) == where["present"], "present pages lie somewhere")
        check(where is None or where["at_home"] <= where["present"] <= where["asked"], "pages at home are present ones")
    counts = [arena["numastat"] for arena in arenas if "numastat" in arena]
    check(sum(c["numa_hit"] + c["numa_miss"] for c in counts) == sum(c["local_node"] + c["other_node"] for c in counts), "requests add up")
    check(sum(c["numa_miss"] for c in counts) == sum(c["numa_foreign"] for c in counts), "each miss is foreign to another")

if wrong:
    sys.exit("stats_json.py: not so: " + "; ".join(wrong))

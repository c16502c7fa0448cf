"""Work for Python: prints a digest of each part. argv[1]: how much."""
import hashlib
import json
import multiprocessing
import random
import re
import sqlite3
import sys
import threading

AMOUNT = int(sys.argv[1])


def digest(value):
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


def record(rng):
    name = "".join(rng.choices("abcdefghij", k=rng.randrange(3, 40)))
    return {"name": name, "values": [rng.randrange(10**9) for _ in range(rng.randrange(12))], "nested": {name: None, "pi": 3.14}}


def records(seed, count):
    rng = random.Random(seed)
    return [record(rng) for _ in range(count)]


def through_json():
    text = json.dumps(records(1, AMOUNT))
    again = json.loads(text)
    return digest((len(text), again[::7]))


def through_re():
    text = " ".join(r["name"] for r in records(2, AMOUNT))
    words = re.findall(r"\b(a+)(\w*?)([jh]+)\b", text)
    return digest((words, re.sub(r"(\w)\1+", lambda m: m[0].upper(), text)))


def through_sqlite():
    db = sqlite3.connect(":memory:")
    db.execute("create table t(id integer primary key, name text, total integer)")
    db.executemany("insert into t(name, total) values(?, ?)", ((r["name"], sum(r["values"])) for r in records(3, AMOUNT)))
    db.execute("create index by_name on t(name)")
    joined = "select a.name, count(*), max(b.total) from t a join t b on a.name = b.name group by 1 order by 2 desc, 1 limit 50"
    return digest(db.execute(joined).fetchall())


def through_threads():
    results = {}

    def task(seed):
        kept = {r["name"]: r for r in records(seed, AMOUNT // 20)}
        results[seed] = digest(sorted(kept))

    threads = [threading.Thread(target=task, args=(seed,)) for seed in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return digest(sorted(results.items()))


def in_child(seed):
    return digest(records(seed, AMOUNT // 20))


def through_forks():
    with multiprocessing.get_context("fork").Pool(4, maxtasksperchild=4) as pool:
        return digest(pool.map(in_child, range(32)))


for part in (through_json, through_re, through_sqlite, through_threads, through_forks):
    print(part.__name__, part())

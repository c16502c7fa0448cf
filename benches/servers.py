#!/usr/bin/env python3
"""Measures servers under load, with every allocator preloaded in turn: the processor time of a request, and memory.

benches/servers.py [--rounds N] [--only SERVER]... [--with NAME=LIB.so]... [--json FILE]

Servers that are not installed are named and left out. Needs `cargo build --release`; run it as root (PostgreSQL and MariaDB change to a
user of their own). On Debian: apt-get install redis-server redis-tools mariadb-server sysbench postgresql nginx wrk puma nodejs
"""
import argparse
import glob
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import claims

START_LIMIT_S = 60
SAMPLE_EVERY_S = 0.2
QUIET_S = 3
TICKS_PER_S = os.sysconf("SC_CLK_TCK")

# Figure -> (title, unit, divisor from the measured quantity to the unit).
FIGURES = {
    "cpu_us": ("processor time of a request", "us", 1),
    "peak_bytes": ("peak memory (PSS)", "MiB", 2**20),
    "after_bytes": (f"memory {QUIET_S} s after the load", "MiB", 2**20),
}

NGINX_CONF = """
daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
events {{ worker_connections 512; }}
http {{
    access_log off; gzip on; gzip_comp_level 1; gzip_types *; client_body_temp_path {folder}; proxy_temp_path {folder};
    fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""
# Each answers with a table of rows converted to text, like an application server.
PUMA_APP = """
require "json"
run lambda { |env|
  rows = (1..150).map { |i| { id: i, name: "name #{i}" * (i % 5), tags: (0..i % 7).map { |j| "tag#{i * j}" } } }
  [200, { "Content-Type" => "application/json" }, [JSON.generate(JSON.parse(JSON.generate(rows)))]]
}
"""
NODE_APP = """
require("http").createServer((request, response) => {
  const rows = [];
  for (let i = 0; i < 150; i++) rows.push({ id: i, name: ("name " + i).repeat(i % 5), tags: [...Array(i % 7).keys()].map(j => "tag" + i * j) });
  const text = JSON.stringify(JSON.parse(JSON.stringify(rows)));
  response.end(require("zlib").gzipSync(Buffer.from(text), { level: 1 }));
}).listen(PORT, "127.0.0.1");
"""
REDIS_THIN_OUT = "for i, key in ipairs(redis.call('keys', '*')) do if i % 10 > 0 then redis.call('del', key) end end"
REDIS_FILL = """
math.randomseed(1)
for i = 1, 200000 do
    local key = math.random(60000)
    redis.call('SET', 's' .. key, string.rep('v', math.random(600)))
    redis.call('HSET', 'h' .. key % 3000, 'f' .. math.random(40), string.rep('x', math.random(90)))
    redis.call('ZADD', 'z' .. key % 1000, math.random(1000000), 'member ' .. math.random(5000))
end
"""


def quiet(*command, **keywords):
    """What a helping command prints; one that fails ends the measurement."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **keywords)
    return done.stdout if done.returncode == 0 else claims.fail(f"`{command[0]}` ended with status {done.returncode}: {done.stderr.strip()[-300:]}")


def succeeds(*command):
    return subprocess.run([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One server: `prepare` once, then for every run `command`, `ready`, `load` (how many requests), `rest` (what is forgotten before the quiet)."""
    needs = []
    user = None

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()

    def prepare(self):
        pass

    def rest(self):
        pass


class OverHttp(Server):
    """A server that wrk asks the same thing, over and over."""
    path, seconds = "/", 6

    def ready(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def load(self):
        said = quiet("wrk", "-t1", "-c32", f"-d{self.seconds}", "-H", "Accept-Encoding: gzip", f"http://127.0.0.1:{self.port}{self.path}")
        if "Non-2xx" in said:
            claims.fail(f"{type(self).__name__} answered with errors: {said}")
        return int(re.search(r"(\d+) requests in", said)[1])


class Nginx(OverHttp):
    needs = ["nginx", "wrk"]
    path = "/page.txt"

    def prepare(self):
        (self.folder / "page.txt").write_text("".join(f"{number * 7919 % 1_000_003} line {number}\n" for number in range(1500)))
        (self.folder / "nginx.conf").write_text(NGINX_CONF.format(folder=self.folder, port=self.port))

    def command(self):
        return ["nginx", "-p", self.folder, "-c", self.folder / "nginx.conf", "-e", self.folder / "error.log"]


class Puma(OverHttp):
    needs = ["puma", "wrk"]

    def prepare(self):
        (self.folder / "config.ru").write_text(PUMA_APP)

    def command(self):
        return ["puma", "-q", "-e", "production", "-t", "4:4", "-b", f"tcp://127.0.0.1:{self.port}", self.folder / "config.ru"]


class Node(OverHttp):
    needs = ["node", "wrk"]

    def command(self):
        return ["node", "-e", NODE_APP.replace("PORT", str(self.port))]


class Redis(Server):
    needs = ["redis-server", "redis-cli", "redis-benchmark"]

    def command(self):
        return ["redis-server", "--port", "0", "--unixsocket", self.socket(), "--dir", self.folder, "--save", "", "--loglevel", "warning"]

    def socket(self):
        return self.folder / "redis.sock"

    def ready(self):
        return succeeds("redis-cli", "-s", self.socket(), "ping")

    def load(self):
        """Four kinds of values, written by clients; then a script that mixes sizes."""
        kinds, each, filled = "set,hset,sadd,zadd", 150_000, 600_000
        quiet("redis-benchmark", "-s", self.socket(), "-q", "-c", 20, "-n", each, "-r", 100_000, "-d", 200, "-P", 16, "-t", kinds)
        quiet("redis-cli", "-e", "-s", self.socket(), "eval", REDIS_FILL, 0)
        return len(kinds.split(",")) * each + filled

    def rest(self):
        """Nine keys of ten go."""
        quiet("redis-cli", "-e", "-s", self.socket(), "eval", REDIS_THIN_OUT, 0)


class Postgres(Server):
    needs = ["pgbench", "runuser"]
    user = "postgres"
    QUERIES = """
        select count(*) from (select bid, md5(aid::text) m from pgbench_accounts order by m) a;
        select count(*) from pgbench_accounts a join pgbench_accounts b on md5(a.aid::text) = md5((b.aid + 1)::text);
    """

    def tool(self, name):
        found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
        return found[-1] if found else claims.fail(f"{name} is not installed")

    def at(self):
        return ["-h", self.folder, "-U", "postgres"]

    def prepare(self):
        quiet("runuser", "-u", "postgres", "--", self.tool("initdb"), "-D", self.folder / "data", "-A", "trust", "-N", cwd="/")
        server = start(self, None)
        quiet("pgbench", *self.at(), "-i", "-q", "-s", 4, "postgres")
        stop(server)

    def command(self):
        return [self.tool("postgres"), "-D", self.folder / "data", "-k", self.folder, "-h", "", "-c", "fsync=off", "-c", "work_mem=32MB"]

    def ready(self):
        return succeeds("psql", *self.at(), "-c", "select 1", "postgres")

    def load(self):
        clients, each = 8, 1_500
        quiet("pgbench", *self.at(), "-n", "-S", "-c", clients, "-t", 2 * each, "postgres")
        quiet("pgbench", *self.at(), "-n", "-c", clients, "-t", each // 3, "postgres")
        quiet("psql", *self.at(), "-c", self.QUERIES, "postgres")
        return clients * (2 * each + each // 3)


class MariaDb(Server):
    needs = ["mariadbd", "mariadb-install-db", "sysbench"]
    user = "mysql"
    TABLES = ["--tables=4", "--table-size=20000"]

    def prepare(self):
        quiet("mariadb-install-db", "--no-defaults", f"--datadir={self.folder}/data", "--user=mysql", "--auth-root-authentication-method=normal")
        server = start(self, None)
        quiet("mariadb", "--no-defaults", f"--socket={self.socket()}", "-u", "root", "-e", "create database if not exists sbtest")
        quiet(*self.sysbench("oltp_read_write"), *self.TABLES, "prepare")
        stop(server)

    def socket(self):
        return self.folder / "mariadb.sock"

    def command(self):
        return ["mariadbd", "--no-defaults", f"--datadir={self.folder}/data", f"--socket={self.socket()}", "--skip-networking",
                "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M", "--skip-log-bin"]

    def sysbench(self, kind):
        return ["sysbench", kind, f"--mysql-socket={self.socket()}", "--mysql-user=root", "--db-driver=mysql"]

    def ready(self):
        return succeeds("mariadb", "--no-defaults", f"--socket={self.socket()}", "-u", "root", "-e", "select 1")

    def load(self):
        events = 4_000
        said = quiet(*self.sysbench("oltp_read_write"), *self.TABLES, "--threads=8", f"--events={events}", "--time=0", "run")
        return int(re.search(r"total:\s+(\d+)", said)[1])


SERVERS = {"redis": Redis, "mariadb": MariaDb, "postgres": Postgres, "nginx": Nginx, "puma": Puma, "node": Node}


def start(server, library):
    """The server's first process, as soon as it answers."""
    environment = {**os.environ, "LD_PRELOAD": str(library or "")}
    log = open(server.folder / "log", "ab")
    process = subprocess.Popen([str(word) for word in server.command()], env=environment, user=server.user, start_new_session=True,
                               cwd=server.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    limit = time.monotonic() + START_LIMIT_S
    while not server.ready():
        if process.poll() is not None or time.monotonic() > limit:
            stop(process)
            claims.fail(f"{process.args[0]} did not start: {(server.folder / 'log').read_text(errors='replace')[-500:]}")
        time.sleep(0.05)
    return process


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(START_LIMIT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def members(process):
    """The `stat` fields, from the state on, of a server's first process and of all that descend from it."""
    found, children = {}, {}
    for file in glob.glob("/proc/[0-9]*/stat"):
        try:
            text = pathlib.Path(file).read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
        folder, fields = pathlib.Path(file).parent, text[text.rindex(")") + 2:].split()
        found[int(folder.name)] = folder, fields
        children.setdefault(int(fields[1]), []).append(int(folder.name))
    todo = [process.pid]
    while todo:
        pid = todo.pop()
        todo += children.get(pid, [])
        if pid in found:
            yield found[pid]


def cpu_s(process):
    """Of its processes and of the children they have waited for."""
    return sum(sum(map(int, fields[11:15])) for _, fields in members(process)) / TICKS_PER_S


def pss_bytes(process):
    total = 0
    for folder, _ in members(process):
        try:
            total += int(re.search(r"^Pss:\s+(\d+)", (folder / "smaps_rollup").read_text(), re.M)[1]) << 10
        except (FileNotFoundError, ProcessLookupError, TypeError):
            continue  # it has ended
    return total


class Peak(threading.Thread):
    """The most memory that was seen while it ran."""
    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.bytes, self.done = process, 0, threading.Event()

    def run(self):
        while not self.done.is_set():
            self.bytes = max(self.bytes, pss_bytes(self.process))
            self.done.wait(SAMPLE_EVERY_S)

    def stop(self):
        self.done.set()
        self.join()
        return max(self.bytes, pss_bytes(self.process))


def has_mapped(process, library):
    return pathlib.Path(library).name in pathlib.Path(f"/proc/{process.pid}/maps").read_text()


def run(server, library):
    process = start(server, library)
    try:
        if library and not has_mapped(process, library):
            claims.fail(f"{process.args[0]} did not load {library}")
        peak = Peak(process)
        peak.start()
        before = cpu_s(process)
        requests = server.load()
        used = cpu_s(process) - before
        server.rest()
        time.sleep(QUIET_S)
        return {"cpu_us": used / requests * 1e6, "peak_bytes": peak.stop(), "after_bytes": pss_bytes(process)}
    finally:
        stop(process)


def measure(names, libraries, rounds, folder):
    """Server -> contender -> figure -> one value per round."""
    found = {}
    for name in names:
        kind = SERVERS[name]
        absent = [tool for tool in kind.needs if shutil.which(tool) is None]
        if absent:
            print(f"servers.py: {name} is left out: {', '.join(absent)} not installed", file=sys.stderr)
            continue
        place = pathlib.Path(folder, name)
        place.mkdir()
        place.chmod(0o755)
        if kind.user:
            shutil.chown(place, kind.user)
        server = kind(place)
        server.prepare()
        values = found[name] = {contender: {figure: [] for figure in FIGURES} for contender in libraries}
        for turn in range(rounds):
            for contender, library in claims.shuffled(libraries):
                print(f"\r{name}, round {turn + 1} of {rounds}: {contender:20}", end="", file=sys.stderr, flush=True)
                claims.keep(values[contender], run(server, library))
        print("\r" + " " * 60 + "\r", end="", file=sys.stderr)
    return found or claims.fail("no server was measured")


def show(found):
    for figure, (title, unit, scale) in FIGURES.items():
        names = [name for name in next(iter(found.values())) if name != "glibc"]
        print(f"{title:34}{'glibc, ' + unit:>12}" + "".join(f"{name:>14}" for name in names))
        medians = {server: {name: statistics.median(figures[figure]) for name, figures in values.items()} for server, values in found.items()}
        for server, values in medians.items():
            cells = (f"{values[name] / values['glibc']:.2f}" for name in names)
            print(f"{server:34}{values['glibc'] / scale:>12.4g}" + "".join(f"{cell:>14}" for cell in cells))
        means = (statistics.geometric_mean(values[name] / values["glibc"] for values in medians.values()) for name in names)
        print(f"{'geometric mean':46}" + "".join(f"{mean:>14.2f}" for mean in means) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often each server runs under each allocator (default 3)")
    parser.add_argument("--only", action="append", default=[], choices=SERVERS, help="only this server (repeatable)")
    claims.add_common(parser)
    options = parser.parse_args()
    libraries = claims.contenders(options.extra)
    # Debian's Redis is linked to jemalloc. Preloading the C library gives it the system malloc.
    libraries["glibc"] = next(iter(glob.glob("/lib/*-linux-gnu/libc.so.6")), None)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        found = measure(options.only or list(SERVERS), libraries, options.rounds, folder)
    show(found)
    claims.write_json(options, found)


if __name__ == "__main__":
    main()

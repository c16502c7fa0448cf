#!/usr/bin/env bash
# nginx: two workers, many concurrent clients, plain and compressed bodies, a reload under load. Every body must equal the file.
source "$(dirname "$0")/lib.sh"
need nginx curl

files=200
socket=$work/nginx.sock

make_site() {
    local n
    mkdir -p site/files temp
    for n in $(seq 1 $files); do seq "$n" $((n * n)) >"site/files/$n.txt"; done
    (cd site/files && sha256sum -- *.txt) >sums
}

configure() {
    cat >nginx.conf <<END
daemon off; worker_processes 2; pid $work/nginx.pid; error_log $work/error.log warn;
events { worker_connections 512; }
http {
    types { text/plain txt; }
    access_log $work/access.log;
    client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
    gzip on; gzip_types text/plain; gzip_comp_level 4; gzip_min_length 100; gzip_http_version 1.0;
    server { listen unix:$socket; root $work/site; location /again/ { proxy_pass http://unix:$socket:/; proxy_buffering on; } }
}
END
}

# Fetches every file by PATH-PREFIX with 20 connections, and compares the bodies with the files.
fetch() {
    mkdir got
    under_system curl -sSf --no-progress-meter --parallel --parallel-max 20 --compressed --unix-socket "$socket" \
        "http://localhost/$1files/[1-$files].txt" -o 'got/#1.txt'
    (cd got && sha256sum --quiet -c ../sums) || fail "a body was not the file that was served (/$1files)"
    rm -r got
}

workers() { pgrep -P "$server" -f 'nginx: worker'; }
reloaded() { [[ -z $(comm -12 <(workers | sort) <(sort old-workers)) && $(workers | wc -l) == 2 ]]; }

make_site
configure
serve nginx -p "$work/" -c "$work/nginx.conf" -e "$work/error.log"
eventually curl -sSf --unix-socket "$socket" http://localhost/files/1.txt
# shellcheck disable=SC2046
mapped "$server" $(workers)
for _ in $(seq "$(scale 8)"); do fetch '' && fetch again/; done
workers >old-workers
(fetch '') &
kill -HUP "$server"
wait $! || fail "a client failed during the reload"
eventually reloaded
fetch again/
kill -QUIT "$server"
stopped "$server"
if grep -E 'alert|crit|emerg' error.log; then fail "nginx complained"; fi
on_larder nginx nginx -t -p "$work/" -c "$work/nginx.conf" -e "$work/error.log"

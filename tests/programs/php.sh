#!/usr/bin/env bash
# PHP, with its memory from malloc: strings, arrays, regular expressions, JSON, serialization, generators. It loads its extensions with RTLD_DEEPBIND.
source "$(dirname "$0")/lib.sh"
need php
export USE_ZEND_ALLOC=0

workload() { $run php "$here/php.php" "$(scale 20000)" >out 2>&1; }

both workload
(($(php -r 'echo count(get_loaded_extensions());') > 20)) || fail "php has few extensions: nothing is shown"
on_larder php php -r 'echo 1;'

"""With a number: that much work. Without: takes memory until there is no more, lets go of it, and works on."""
import json
import sys


def work(amount):
    return len(json.loads(json.dumps([{str(i): [i] * 9} for i in range(amount)])))


def take_all():
    held = []
    try:
        while True:
            held.append(json.dumps(list(range(2000))) + str(len(held)))
    except MemoryError:
        count = len(held)
        held.clear()
    return count


if len(sys.argv) > 1:
    assert work(int(sys.argv[1])) == int(sys.argv[1])
else:
    assert take_all() > 1000
    assert work(10000) == 10000

import signal
import threading

from store import Store

# The first process of a container ends by SIGTERM only if it says so. It finishes the entry that it has taken.
ended = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: ended.set())

store = Store()
print("waiting for entries")
while not ended.is_set():
    taken = store.command("BLPOP", "written", "1")
    if taken:
        store.command("RPUSH", "entries", taken[1].strip().upper())
        print("added an entry")

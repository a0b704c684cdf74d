from store import Store

store = Store()
print("waiting for entries")
while True:
    _, text = store.command("BLPOP", "written", "0")
    store.command("RPUSH", "entries", text.strip().upper())
    print("added an entry")

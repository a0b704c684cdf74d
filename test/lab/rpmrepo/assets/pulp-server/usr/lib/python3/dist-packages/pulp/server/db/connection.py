"""The connection to MongoDB."""

import pymongo

TIMEOUT_MS = 10000


def connect(settings):
    """Returns the database that the settings name; raises PyMongoError if it does not answer."""
    section = settings["database"]
    options = {"serverSelectionTimeoutMS": TIMEOUT_MS}
    for key, option in (("username", "username"), ("password", "password"), ("replica_set", "replicaSet")):
        if section.get(key):
            options[option] = section[key]
    client = pymongo.MongoClient([seed.strip() for seed in section["seeds"].split(",")], **options)
    client.admin.command("ping")
    return client[section["name"]]

"""pulp-manage-db: makes what the server expects to find in its database.

It can be run again: what is there stays as it is.
"""

import argparse
import os
import sys

import pymongo.errors

from .. import config
from . import connection

COLLECTIONS = (
    "consumers",
    "content_types",
    "migration_trackers",
    "permissions",
    "repos",
    "repo_distributors",
    "repo_importers",
    "roles",
    "task_status",
    "users",
    "workers",
)


def ensure_collections(database):
    existing = set(database.list_collection_names())
    for name in COLLECTIONS:
        if name not in existing:
            database.create_collection(name)


def ensure_admin(database, login):
    database["roles"].update_one({"_id": "super-users"}, {"$set": {"display_name": "Super Users"}}, upsert=True)
    database["users"].update_one({"_id": login}, {"$set": {"login": login, "roles": ["super-users"]}}, upsert=True)


def main(argv=None):
    parser = argparse.ArgumentParser(prog="pulp-manage-db")
    parser.add_argument("--dry-run", action="store_true", help="change nothing")
    options = parser.parse_args(argv)
    settings = config.load()
    try:
        database = connection.connect(settings)
        if options.dry_run:
            return os.EX_OK
        print("Loading content types.")
        ensure_collections(database)
        print("Content types loaded.")
        print("Ensuring the admin role and user are in place.")
        ensure_admin(database, settings["server"]["default_login"])
        print("Admin role and user are in place.")
        print("Beginning database migrations.")
        print("Database migrations complete.")
    except pymongo.errors.PyMongoError as error:
        print("pulp-manage-db: the database %s: %s" % (settings["database"]["seeds"], error), file=sys.stderr)
        return os.EX_DATAERR
    return os.EX_OK

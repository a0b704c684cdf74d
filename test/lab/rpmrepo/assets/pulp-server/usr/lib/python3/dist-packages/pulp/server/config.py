"""The settings in server.conf, read as the Python 2 of the real server reads them."""

import configparser

PATH = "/etc/pulp/server.conf"

DEFAULTS = {
    "database": {
        "name": "pulp_database",
        "seeds": "localhost:27017",
    },
    "server": {
        "server_name": "localhost",
        "default_login": "admin",
        "log_level": "INFO",
    },
    "data_reaping": {"reaper_interval": "0.25"},
    "messaging": {"url": "tcp://localhost:5672"},
    "tasks": {"broker_url": "qpid://localhost/"},
}


def load(path=PATH):
    """Returns the settings of the file on top of the defaults."""
    # Python 2's SafeConfigParser took " ;" for the beginning of a comment and
    # let a later section or key replace an earlier one.
    parser = configparser.ConfigParser(inline_comment_prefixes=(";",), strict=False)
    parser.read_dict(DEFAULTS)
    with open(path, encoding="utf-8") as file:
        parser.read_file(file)
    return parser

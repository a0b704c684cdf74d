"""Prints what ConfigParser reads from each file that is named, or null for one that it does not read, as JSON."""
import configparser
import json
import sys


def values(name):
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";",), strict=False)
    try:
        with open(name, encoding="utf-8") as file:
            parser.read_file(file)
    except configparser.Error:
        return None
    return {section: dict(parser.items(section)) for section in parser.sections()}


json.dump([values(name) for name in sys.argv[1:]], sys.stdout)

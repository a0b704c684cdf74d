"""Prints what ConfigParser reads from a file, as JSON: {section: {key: value}}. For Python 2 and 3."""
import io
import json
import sys

if sys.version_info[0] == 2:
    from ConfigParser import SafeConfigParser

    parser = SafeConfigParser()
    parser.readfp(open(sys.argv[1]))
else:
    from configparser import ConfigParser

    parser = ConfigParser(inline_comment_prefixes=(";",), strict=False)
    with io.open(sys.argv[1], encoding="utf-8") as file:
        parser.read_file(file)
json.dump({section: dict(parser.items(section)) for section in parser.sections()}, sys.stdout)

#!/bin/sh
# Prints the version of this checkout, in the form of https://semver.org. If the commit has a tag vVERSION, it prints VERSION. Otherwise it
# prints a version between the last tag and the next release. With the argument VERSION, it prints that, and refuses one in another form.
set -eu

after() { # after VERSION: the next one that has no tag yet, up to the count of commits
  case $1 in
  *-*) echo "$1.dev" ;;
  *) echo "${1%.*}.$((${1##*.} + 1))-dev" ;;
  esac
}

checkout() {
  commit=$(git rev-parse --short=12 HEAD 2>/dev/null) || { echo 0.0.0-dev; return; }
  changed=
  git diff-index --quiet HEAD -- || changed=.changed
  last=$(git describe --tags --match 'v[0-9]*' --abbrev=0 2>/dev/null) || last=
  if [ -z "$last" ]; then
    echo "0.0.0-dev.$(git rev-list --count HEAD)+$commit$changed"
    return
  fi
  count=$(git rev-list --count "$last..HEAD")
  version=${last#v}
  if [ "$count$changed" = 0 ]; then
    echo "$version"
  else
    echo "$(after "${version%%+*}").$count+$commit$changed"
  fi
}

version=${1:-$(checkout)}
number='(0|[1-9][0-9]*)'
part='(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)'
case $version in *[!0-9A-Za-z.+-]*) bad=yes ;; *) bad= ;; esac
if [ "$bad" ] || ! echo "$version" | grep -Eqx "$number\.$number\.$number(-$part(\.$part)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"; then
  echo "the version $version is not one of https://semver.org without a \"v\", such as 1.2.3 or 1.2.3-rc.1" >&2
  exit 2
fi
echo "$version"

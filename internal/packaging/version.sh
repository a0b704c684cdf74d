#!/bin/sh
# Prints the version of this checkout, as semver has it (https://semver.org): that of the tag vVERSION of its commit, or else one that sorts
# after the last tag and before what can come next. internal/packaging/version.sh VERSION prints that one. It refuses what is no semver.
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

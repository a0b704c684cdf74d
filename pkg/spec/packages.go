package spec

import "gopkg.in/yaml.v3"

func (r *reader) packages(n *yaml.Node, tool string) *Packages {
	p := &Packages{At: r.rangeOf(n), Tool: tool}
	keys := fields{
		"packages": r.texts(&p.Packages, "packages"),
		"update":   r.boolean(&p.Update, "update"),
		"remove":   r.texts(&p.Remove, "remove"),
		"refresh":  r.refresh(&p.Refresh),
	}
	var override Text
	switch tool {
	case "yum":
		keys["tool"] = r.text(&override, "tool")
		fallthrough
	case "dnf":
		keys["groups"] = r.texts(&p.Groups, "groups")
		keys["module"] = r.texts(&p.Module, "module")
		keys["exclude"] = r.texts(&p.Exclude, "exclude")
		keys["enablerepo"] = r.texts(&p.EnableRepo, "enablerepo")
		fallthrough
	case "apt":
		keys["docs"] = r.optionalBoolean(&p.Docs, "docs")
		keys["recommends"] = r.optionalBoolean(&p.Recommends, "recommends")
	}
	before := len(r.report.errors)
	r.objectWith(n, tool, keys, func(key string) string { return cannot(tool)[key] })
	switch {
	case !override.IsSet():
	case override.Value == "yum", override.Value == "dnf":
		p.Tool = override.Value
	default:
		r.report.Add(override.At, "", "tool has to be yum or dnf, not %q", override.Value)
	}
	if len(r.report.errors) == before && !p.Update && len(p.Module)+len(p.Groups)+len(p.Packages)+len(p.Remove) == 0 {
		r.report.Add(p.At, "", "%s installs nothing", tool)
	}
	return p
}

// cannot returns what to do instead for keys that only other package managers have.
func cannot(tool string) map[string]string {
	switch tool {
	case "apt":
		return map[string]string{
			"groups":     "apt has no groups of packages; name the packages",
			"module":     "only dnf has modules; write NAME=VERSION or NAME/SUITE",
			"enablerepo": "apt uses every repository of /etc/apt/sources.list.d; write NAME/SUITE to choose one of them",
			"exclude":    "apt-get cannot leave a package out; bring a pin with a negative priority, a file in /etc/apt/preferences.d, in a step before",
		}
	case "apk":
		return map[string]string{
			"groups":     "apk has no groups of packages; name the packages",
			"module":     "only dnf has modules; write NAME=VERSION or NAME~VERSION",
			"enablerepo": "apk uses every repository of /etc/apk/repositories; write NAME@TAG to choose one that has a tag there",
			"exclude":    "apk cannot leave a package out for one step",
			"docs":       "apk has documentation in packages of its own, NAME-doc, and installs none that is not named",
			"recommends": "packages of apk recommend no others",
		}
	}
	return nil
}

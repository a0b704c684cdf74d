package schema

// doesSomething is the rule of package steps: one of the keys has to have an effect of its own.
func doesSomething(lists ...string) []Rule {
	rule := Rule{Kind: AtLeastOne, Conditions: []Condition{{"update", True}}, Description: "There is something to do."}
	for _, key := range lists {
		rule.Conditions = append(rule.Conditions, Condition{key, NonEmpty})
	}
	return []Rule{rule}
}

func update() Key {
	return Key{Name: "update", Type: Boolean{}, Default: "false", Example: "true",
		Description: "Whether the packages that are there are first brought up to what the repositories have."}
}

func removed(form Form, alsoRemoved string) Key {
	return Key{Name: "remove", Type: words(form, AtBuild), Default: "[]", Example: "[gcc]",
		Description: "Packages to remove at the end, in the same layer. They have to be installed. " + alsoRemoved}
}

// refresh is how old what a command got from the network may be; without a default, what the spec says counts.
func refresh(otherwise, description string) Key {
	return Key{Name: "refresh", Type: String{Form: Refresh, Scope: AtBuild}, Default: otherwise, Example: "7d", Description: description}
}

func stepRefresh() Key {
	return refresh("", "How old what the step got from the network may be before it runs again, `7d` for example. Left out, what `refresh` of the spec says; `never` takes that back.")
}

// rpmKeys are the keys that yum and dnf share.
func rpmKeys() []Key {
	return []Key{
		{Name: "module", Type: words(ModuleStream, AtBuild), Default: "[]", Example: `["nodejs:20"]`,
			Description: "Streams of modules, `NAME:STREAM`, that are enabled first. yum 3 (CentOS 7) has no modules."},
		update(),
		{Name: "groups", Type: words(GroupName, AtBuild), Default: "[]", Example: "[web-server]",
			Description: "Groups of packages. They are installed before the packages."},
		{Name: "packages", Type: words(RPMPackage, AtBuild), Default: "[]", Example: "[python3, augeas]",
			Description: "Packages, as the package manager knows them: `NAME`, `NAME-VERSION`, a file of a package, the URL of one, `@GROUP`."},
		removed(RPMName, "What needs them goes too, and so does what was only installed for them, as far as yum or dnf remembers that."),
		{Name: "exclude", Type: words(RPMPattern, AtBuild), Default: "[]", Example: `["kernel*"]`,
			Description: "Packages that are neither installed nor updated; members of groups among them are left out."},
		{Name: "enablerepo", Type: words(RepoID, AtBuild), Default: "[]", Example: "[crb]",
			Description: "Ids of repositories that are used for this step though they are not enabled."},
		{Name: "docs", Type: Boolean{}, Example: "false",
			Description: "Whether files are installed that packages call documentation. Left out, what the image's configuration says."},
		{Name: "recommends", Type: Boolean{}, Example: "false",
			Description: "Whether packages are installed that others only recommend. Left out, what the image's configuration says. yum 3 (CentOS 7) knows none, and warns."},
		stepRefresh(),
	}
}

func yum() *Object {
	return &Object{
		Name:        "yum",
		Description: "What yum is to do, in this order: enable modules, update, install groups, install packages, remove packages.",
		Keys: append(rpmKeys(), Key{Name: "tool", Type: String{Form: Tool}, Default: "yum", Example: "dnf",
			Description: "The program that installs: `yum` or `dnf`."}),
		Rules: doesSomething("module", "groups", "packages", "remove"),
	}
}

func dnf() *Object {
	return &Object{
		Name:        "dnf",
		Description: "What dnf is to do, in this order: enable modules, update, install groups, install packages, remove packages.",
		Keys:        rpmKeys(),
		Rules:       doesSomething("module", "groups", "packages", "remove"),
	}
}

func apt() *Object {
	return &Object{
		Name:        "apt",
		Description: "What apt-get is to do, in this order: update, install packages, remove packages.",
		Keys: []Key{
			update(),
			{Name: "packages", Type: words(AptPackage, AtBuild), Default: "[]", Example: "[python3, augeas-tools]",
				Description: "Packages, as apt knows them: `NAME`, `NAME=VERSION`, `NAME/SUITE`."},
			removed(AptName, "Their configuration files, what needs them and what was only installed for them goes too."),
			{Name: "docs", Type: Boolean{}, Example: "false",
				Description: "Whether files below `/usr/share/doc`, `/usr/share/man` and `/usr/share/info` are installed; notes on copyright always are. Left out, what the image's configuration says."},
			{Name: "recommends", Type: Boolean{}, Default: "false", Example: "true",
				Description: "Whether packages are installed that others only recommend."},
			stepRefresh(),
		},
		Rules: doesSomething("packages", "remove"),
	}
}

func apk() *Object {
	return &Object{
		Name:        "apk",
		Description: "What apk is to do, in this order: update, install packages, remove packages.",
		Keys: []Key{
			update(),
			{Name: "packages", Type: words(ApkPackage, AtBuild), Default: "[]", Example: `[python3, "nodejs~22"]`,
				Description: "Packages, as apk knows them: `NAME`, `NAME=VERSION`, `NAME~VERSION`, `NAME@TAG`."},
			removed(ApkName, "What was only installed for them goes too."),
			stepRefresh(),
		},
		Rules: doesSomething("packages", "remove"),
	}
}

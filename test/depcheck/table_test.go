package depcheck

// table has all packages, each with the packages of this project that its code imports. Imports point down: a package may know what it is
// made of, and never who uses it.
var table = map[string]string{
	"assets": "",
	"cmd/pulp-helper": "internal/signals pkg/startup/command pkg/startup/contract pkg/startup/process pkg/startup/service pkg/startup/serviceurl " +
		"pkg/startup/settings pkg/startup/startscript",
	"cmd/pulpimg": "assets internal/atomicfile internal/diagnostic internal/export internal/gendir internal/gitinfo " +
		"internal/inventory internal/recordrepo internal/shell internal/signals internal/starter internal/terminal " +
		"pkg/build pkg/engine pkg/engine/bundle pkg/family pkg/layout pkg/publish pkg/registries pkg/render/compose pkg/render/container " +
		"pkg/render/dockerfile pkg/render/kubernetes pkg/spec pkg/spec/schema",
	"internal/atomicfile": "",
	"internal/cachedir":   "",
	"internal/ctxreader":  "",
	"internal/diagnostic": "pkg/spec",
	"internal/download":   "internal/atomicfile internal/cachedir internal/policy internal/sealed pkg/family pkg/registries",
	"internal/export":     "pkg/layout",
	"internal/familytest": "pkg/family pkg/spec",
	"internal/forecast":   "internal/key internal/layer internal/llb internal/record pkg/family",
	"internal/gendir":     "",
	"internal/gitinfo":    "",
	"internal/golden":     "",
	"internal/ignore":     "",
	"internal/inventory":  "pkg/family pkg/spec pkg/startup/contract",
	"internal/key":        "",
	"internal/layer":      "internal/atomicfile internal/cachedir internal/ctxreader internal/statcache pkg/layout",
	"internal/llb":        "internal/key internal/layer internal/packages pkg/family pkg/spec pkg/startup/contract",
	"internal/message":    "",
	"internal/outside":    "internal/policy pkg/layout pkg/publish pkg/registries",
	"internal/packages":   "internal/shell pkg/family",
	"internal/policy":     "",
	"internal/recipe": "internal/diagnostic internal/packages internal/shell pkg/family pkg/spec pkg/startup/contract " +
		"pkg/startup/startscript",
	"internal/record":     "internal/atomicfile internal/cachedir internal/sealed",
	"internal/recordrepo": "internal/recordset pkg/publish",
	"internal/recordset":  "internal/record",
	"internal/sealed":     "",
	"internal/shell":      "",
	"internal/signals":    "",
	"internal/starter":    "pkg/spec/schema templates",
	"internal/statcache":  "internal/atomicfile internal/cachedir",
	"internal/terminal":   "",
	"internal/treeindex":  "internal/atomicfile internal/cachedir internal/ctxreader internal/layer internal/sealed",
	"pkg/build": "internal/atomicfile internal/cachedir internal/ctxreader internal/diagnostic internal/download internal/forecast " +
		"internal/ignore internal/key internal/layer internal/llb internal/message internal/outside internal/policy internal/recipe " +
		"internal/record internal/recordset internal/sealed internal/terminal internal/treeindex pkg/engine pkg/family pkg/layout pkg/publish pkg/registries pkg/spec " +
		"pkg/startup/contract pkg/startup/startscript",
	"pkg/engine":                    "internal/atomicfile internal/cachedir internal/message pkg/engine/bundle pkg/registries",
	"pkg/engine/bundle":             "",
	"pkg/engine/bundle/build":       "pkg/engine/bundle",
	"pkg/engine/bundle/engine-init": "internal/cachedir",
	"pkg/family": "assets internal/ctxreader internal/gitinfo internal/ignore pkg/spec pkg/spec/schema pkg/startup/contract pkg/startup/serviceurl " +
		"pkg/startup/startscript",
	"pkg/layout":              "internal/atomicfile internal/cachedir internal/ctxreader",
	"pkg/publish":             "pkg/layout pkg/registries",
	"pkg/registries":          "",
	"pkg/render/compose":      "pkg/family pkg/startup/contract",
	"pkg/render/container":    "internal/shell pkg/family",
	"pkg/render/dockerfile":   "internal/gendir internal/packages internal/shell pkg/family pkg/spec templates",
	"pkg/render/kubernetes":   "internal/shell pkg/family pkg/spec pkg/spec/schema",
	"pkg/spec":                "",
	"pkg/spec/schema":         "pkg/startup/contract pkg/startup/serviceurl",
	"pkg/startup/command":     "pkg/startup/service",
	"pkg/startup/contract":    "",
	"pkg/startup/process":     "",
	"pkg/startup/service":     "pkg/startup/serviceurl",
	"pkg/startup/serviceurl":  "",
	"pkg/startup/settings":    "pkg/startup/contract",
	"pkg/startup/startscript": "",
	"templates":               "",
}

package spec

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// goTypes are the types that the reader makes of the objects of the language.
var goTypes = map[string]reflect.Type{
	"spec":                 reflect.TypeFor[Spec](),
	"variable":             reflect.TypeFor[Variable](),
	"environment variable": reflect.TypeFor[EnvVariable](),
	"settings":             reflect.TypeFor[Settings](),
	"service":              reflect.TypeFor[Service](),
	"image":                reflect.TypeFor[Image](),
	"healthcheck":          reflect.TypeFor[Healthcheck](),
	"http check":           reflect.TypeFor[HTTPCheck](),
	"start":                reflect.TypeFor[Start](),
	"require":              reflect.TypeFor[Start](), // it has no type of its own
	"kubernetes":           reflect.TypeFor[Kubernetes](),
	"kubernetes service":   reflect.TypeFor[KubernetesService](),
	"storage":              reflect.TypeFor[Storage](),
	"workload":             reflect.TypeFor[Workload](),
	"disruption budget":    reflect.TypeFor[DisruptionBudget](),
	"resources":            reflect.TypeFor[Resources](),
	"amounts":              reflect.TypeFor[Amounts](),
	"step":                 reflect.TypeFor[Step](),
	"repo":                 reflect.TypeFor[Repo](),
	"yum":                  reflect.TypeFor[Packages](),
	"dnf":                  reflect.TypeFor[Packages](),
	"apt":                  reflect.TypeFor[Packages](),
	"apk":                  reflect.TypeFor[Packages](),
	"copy":                 reflect.TypeFor[Copy](),
	"directory":            reflect.TypeFor[Directory](),
	"run":                  reflect.TypeFor[Run](),
	"cache":                reflect.TypeFor[CacheDir](),
	"mount":                reflect.TypeFor[Mount](),
}

// fieldOf returns the name of the field that holds a key, in small letters; empty for keys that nothing is kept of.
func fieldOf(object, key string) string {
	switch {
	case key == "version", key == "description", object == "start" && key == "require":
		return ""
	case object == "spec" && (key == "registry" || key == "tag"): // they are kept as lists of one
		return ""
	case object == "step" && (key == "yum" || key == "dnf" || key == "apt" || key == "apk"):
		return "packages"
	}
	return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(key))
}

// notKeys are the fields that are no key: where something is written, what the files themselves are, and what a word in place of the keys is.
var notKeys = []string{"at", "filename", "data", "below", "none"}

func TestSchema_fitsTypes(t *testing.T) {
	described := map[reflect.Type][]string{}
	for _, o := range schema.Objects(schema.Spec()) {
		kind, ok := goTypes[o.Name]
		if !ok {
			t.Errorf("no type is known for %q", o.Name)
			continue
		}
		for _, k := range o.Keys {
			name := fieldOf(o.Name, k.Name)
			if name == "" {
				continue
			}
			described[kind] = append(described[kind], name)
			field, ok := kind.FieldByNameFunc(func(f string) bool { return strings.ToLower(f) == name })
			if !ok {
				t.Errorf("%s has no field for %s of %s", kind, k.Name, o.Name)
				continue
			}
			if !fits(k.Type, field.Type) {
				t.Errorf("%s of %s is described as %T, and %s.%s is %s", k.Name, o.Name, k.Type, kind, field.Name, field.Type)
			}
		}
	}
	for kind, names := range described {
		for i := range kind.NumField() {
			if name := strings.ToLower(kind.Field(i).Name); !slices.Contains(names, name) && !slices.Contains(notKeys, name) {
				t.Errorf("%s.%s is not described", kind, kind.Field(i).Name)
			}
		}
	}
}

// fits reports whether a type of Go holds what is described.
func fits(described schema.Type, kind reflect.Type) bool {
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	switch described := described.(type) {
	case schema.String:
		return kind == reflect.TypeFor[Text]() || kind.Kind() == reflect.String
	case schema.Mode:
		return kind == reflect.TypeFor[Text]()
	case schema.Boolean:
		return kind.Kind() == reflect.Bool
	case schema.Count:
		return kind.Kind() == reflect.Int
	case schema.Duration:
		return kind == reflect.TypeFor[time.Duration]()
	case schema.List:
		return kind.Kind() == reflect.Slice && fits(described.Items, kind.Elem())
	case schema.Map:
		value, ok := reflect.Type(nil), false
		if kind.Kind() == reflect.Slice && kind.Elem().Kind() == reflect.Struct {
			var field reflect.StructField
			field, ok = kind.Elem().FieldByName("Value")
			value = field.Type
		}
		return ok && fits(described.Values, value)
	case schema.OneOf:
		// One of the types is short for another, or a type has a field for each.
		return kind == reflect.TypeFor[Share]() || slices.ContainsFunc(described, func(one schema.Type) bool { return fits(one, kind) })
	case *schema.Object:
		return goTypes[described.Name] == kind
	}
	return false
}

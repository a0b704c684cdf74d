package depcheck

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/build"
	"github.com/pulpimg/pulpimg/pkg/engine"
	"github.com/pulpimg/pulpimg/pkg/engine/bundle"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/publish"
	"github.com/pulpimg/pulpimg/pkg/registries"
	"github.com/pulpimg/pulpimg/pkg/render/compose"
	"github.com/pulpimg/pulpimg/pkg/render/container"
	"github.com/pulpimg/pulpimg/pkg/render/kubernetes"
	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
	"github.com/pulpimg/pulpimg/pkg/startup/command"
	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/pkg/startup/process"
	"github.com/pulpimg/pulpimg/pkg/startup/service"
	"github.com/pulpimg/pulpimg/pkg/startup/serviceurl"
	"github.com/pulpimg/pulpimg/pkg/startup/settings"
	"github.com/pulpimg/pulpimg/pkg/startup/startscript"
)

// zeros are pointers to the zero values of all exported types of pkg that have methods. Those of package process are there on Linux alone.
var zeros = []any{
	&build.BaseError{}, &build.Cache{}, &build.EngineStaysError{}, &build.Error{}, &build.FailedCommand{}, &build.LayersError{}, &build.MissingSecretError{},
	&build.NeedError{}, &build.OwnerError{}, &build.Plan{}, &build.Platform{}, &build.PlatformError{}, &build.ReservedError{}, &build.SourcesError{}, &build.StaleError{}, &build.StepError{}, &build.UnreadableError{},
	&engine.AddressError{}, &engine.Engine{}, new(engine.Reason), &engine.SubIDsError{}, &engine.SysctlError{}, &engine.UnusableError{},
	&bundle.Bundle{}, &bundle.Manifest{}, &bundle.Program{},
	&family.Common{}, &family.EnvVar{}, &family.Family{}, &family.GitError{}, &family.Healthcheck{}, &family.Image{}, &family.ImageSource{}, &family.KubernetesService{}, &family.MissingError{}, &family.Mount{},
	&family.NoHelperError{}, &family.NoValueError{}, &family.OverrideError{}, new(family.Owner), new(family.Records), new(family.Refresh), &family.Run{}, &family.URL{}, &family.UnknownImageError{}, &family.ValueError{}, &family.Variable{}, &family.Workload{},
	&layout.Blobs{}, &layout.Build{}, &layout.Image{}, &layout.Kept{}, &layout.Layout{}, &layout.NotLayoutError{}, &layout.Writer{},
	&publish.ContentError{}, &publish.CredentialsError{}, &publish.CredentialsFileError{}, &publish.ImmutableError{}, &publish.Keychain{}, &publish.LayerError{}, &publish.NotFoundError{}, &publish.PlainHTTPError{},
	&publish.Reader{}, &publish.RecordError{}, &publish.RemovalError{}, &publish.Result{}, &publish.TagError{}, &publish.UndeletableError{}, &publish.UnreachableError{}, &publish.UploadError{},
	&publish.Writer{},
	&registries.BlockedError{}, &registries.Config{}, &registries.FileError{}, &registries.Mirror{},
	&compose.Options{}, &compose.SecretError{}, &container.Command{}, &container.RestartError{}, &kubernetes.TwoSourcesError{}, &kubernetes.UnknownServiceError{},
	&spec.Error{}, &spec.Errors{}, &spec.Position{}, &spec.Report{}, &spec.Share{}, &spec.Spec{}, &spec.Start{}, &spec.Text{}, &schema.Form{},
	&command.Command{}, &command.Failure{}, &contract.Contract{}, &contract.Environment{}, &contract.MissingError{}, &contract.Setting{},
	&process.Environment{}, &process.Process{}, &process.UnknownUserError{},
	&service.Failure{}, &service.OptionError{}, &service.Service{}, &service.Target{}, &service.UnavailableError{},
	&serviceurl.Error{}, &serviceurl.Host{}, &serviceurl.URL{}, &settings.Writer{},
	&startscript.Become{}, &startscript.Error{}, new(startscript.Kind), &startscript.Script{}, &startscript.Stage{},
}

// notCalled are types and methods that are not called, and why.
var notCalled = map[string]string{
	"pkg/startup/process.Process.Become": "it changes the user of this process",
	"pkg/build.Cache":                    "the zero value is the cache of whoever runs the tests",
	"pkg/build.FailedCommand":            "only a Debugger gets one",
	"pkg/layout.Layout":                  "only Open returns one, and it is of no use after Close",
	"pkg/layout.Writer":                  "only Create returns one, and it is of no use after Close",
}

func TestZeroValues_doNotPanic(t *testing.T) {
	types := typesWithMethods(t)
	t.Chdir(t.TempDir()) // the zero value of a directory is the current one
	var listed []string
	for _, zero := range zeros {
		v := reflect.ValueOf(zero)
		name := strings.TrimPrefix(v.Type().Elem().PkgPath(), module+"/") + "." + v.Type().Elem().Name()
		listed = append(listed, name)
		for i := range v.NumMethod() {
			method := v.Type().Method(i)
			if notCalled[name]+notCalled[name+"."+method.Name] != "" {
				continue
			}
			t.Run(name+"."+method.Name, func(t *testing.T) {
				defer func() {
					if problem := recover(); problem != nil {
						t.Errorf("it panics: %v", problem)
					}
				}()
				fresh := reflect.New(v.Type().Elem())
				fresh.Method(i).Call(arguments(t, fresh.Method(i).Type()))
			})
		}
	}
	slices.Sort(listed)
	if diff := cmp.Diff(types, listed); diff != "" {
		t.Errorf("types with methods (-in pkg +in zeros):\n%s", diff)
	}
}

// arguments returns something to call a function with: zero values, but nothing that is nil.
func arguments(t *testing.T, f reflect.Type) []reflect.Value {
	var out []reflect.Value
	for i := range f.NumIn() {
		if f.IsVariadic() && i == f.NumIn()-1 {
			break
		}
		switch in := f.In(i); {
		case in == reflect.TypeFor[context.Context]():
			out = append(out, reflect.ValueOf(t.Context()))
		case in == reflect.TypeFor[io.Writer]():
			out = append(out, reflect.ValueOf(io.Discard))
		case in == reflect.TypeFor[io.Reader]():
			out = append(out, reflect.ValueOf(strings.NewReader("")))
		case in == reflect.TypeFor[error]():
			out = append(out, reflect.ValueOf(io.EOF))
		case in.Kind() == reflect.Pointer:
			out = append(out, reflect.New(in.Elem()))
		case in.Kind() == reflect.Func:
			out = append(out, reflect.MakeFunc(in, func([]reflect.Value) []reflect.Value {
				var results []reflect.Value
				for result := range in.Outs() {
					results = append(results, reflect.Zero(result))
				}
				return results
			}))
		default:
			out = append(out, reflect.Zero(in))
		}
	}
	return out
}

// typesWithMethods returns the exported types of pkg that have exported methods.
func typesWithMethods(t *testing.T) []string {
	found := map[string]bool{}
	sources(t, func(name string) {
		if !strings.HasPrefix(name, "pkg/") || strings.HasSuffix(name, "_test.go") {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			method, ok := declaration.(*ast.FuncDecl)
			if !ok || method.Recv == nil || !method.Name.IsExported() {
				continue
			}
			receiver := method.Recv.List[0].Type
			if pointer, ok := receiver.(*ast.StarExpr); ok {
				receiver = pointer.X
			}
			if of, ok := receiver.(*ast.Ident); ok && of.IsExported() {
				found[path.Dir(name)+"."+of.Name] = true
			}
		}
	})
	var out []string
	for name := range found {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

package family_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// lines repeats a line with the numbers from 1 up in place of #, and the number before in place of %.
func lines(n int, line string) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		b.WriteString(strings.NewReplacer("#", fmt.Sprint(i), "%", fmt.Sprint(i-1)).Replace(line))
	}
	return b.String()
}

// A spec of a MiB stands for more than that: a bound is there for each way in which it can, and it is found before there is no memory left.
func TestResolve_limits(t *testing.T) {
	const (
		tooMuch  = "with all variables, aliases and what images inherit written out, the spec has more than 16 MiB of text (use fewer or shorter variables, aliases and defaults)"
		atStart  = "more than a process can be given"
		helped   = "images:\n  b: {from: scratch, steps: [helpers: [exec, config, wait]]}\n"
		accepted = ""
	)
	long := strings.Repeat("x", 400_000)
	for _, test := range []struct{ name, yaml, want string }{
		{"variables that double", "variables:\n  v0: {default: 0123456789abcdef}\n" + lines(40, "  v#: {default: \"${{ v% }}${{ v% }}\"}\n") + images, "f.yaml:26:18: " + tooMuch},
		{"empty variables that double", "variables:\n  v0: {default: \"\"}\n" + lines(40, "  v#: {default: \"${{ v% }}${{ v% }}\"}\n") + images, accepted},
		{"a long variable in many steps", "variables: {v: {default: " + long + "}}\nimages:\n" + lines(10_000, "  a#: {from: scratch, steps: [{run: \"${{ v }}\"}]}\n"),
			"f.yaml:47:38: " + tooMuch},
		{"a long variable many times", "variables: {v: {default: " + long + "}}\nimages: {a: {from: scratch, labels: {l: \"" + strings.Repeat("${{v}}", 80_000) + "\"}}}\n", "f.yaml:6:41: " + tooMuch},
		{"aliases of a long string", "x-a: &a " + long + "\nimages: {a: {from: scratch, labels: {" + lines(30_000, "l#: *a,") + "}}}\n", "with its aliases written out, the file has more than"},
		{"aliases of variables", "variables: {v: {default: " + long[:5000] + "}}\nx-a: &a [" + lines(800, "\"${{ v }}\",") + "]\nimages: {" + lines(1000, "a#: {from: scratch, entrypoint: *a},") + "}\n", tooMuch},
		{"aliases of a list", "x-a: &a [" + lines(8_000, "abcdefghijklmnop,") + "]\nimages: {" + lines(50, "a#: {from: scratch, entrypoint: *a},") + "}\n", accepted},

		{"defaults that double", "environment:\n  V0: {default: a}\n" + lines(40, "  V#: {default: \"${V%}${V%}\"}\n") + images, atStart},
		{"empty defaults that double", "environment:\n  V0: {default: \"\"}\n" + lines(40, "  V#: {default: \"${V%}${V%}\"}\n") + images, atStart},
		{"a long default in a setting", "environment: {V: {default: " + long[:100_000] + "}}\nsettings: {s: {file: /f, lens: l.aug, set: {a/b: \"${V}${V}\"}}}\n" + images, "f.yaml:6:50: with the defaults that it uses, this has more than 128 KiB, " + atStart},
		{"a long default in many settings", "environment: {V: {default: " + long[:100_000] + "}}\nsettings: {s: {file: /f, lens: l.aug, set: {" + lines(20_000, "a/b#: \"${V}\",") + "}}}\n" + images, tooMuch},
		{"a long default in a command", "environment: {V: {default: " + long[:100_000] + "}}\n" + helped + "  a: {from: b, start: {command: [c, \"${V}${V}\"]}}\n", atStart},

		{"an environment in many containers", "environment:\n" + lines(8_000, "  A#: {default: abcdefghijklmnopqrstuvwxyzabcdefghijklmnop}\n") + helped + lines(6_000, "  a#: {from: b, start: {command: [c]}}\n"), tooMuch},
		{"required variables of many containers", "environment:\n" + lines(15_000, "  A#: {required: true}\n") + helped + lines(6_000, "  a#: {from: b, start: {command: [c]}}\n"), tooMuch},
		{"volumes that many images inherit", "kubernetes: {storage: {size: 1Gi, volumes: [/v1]}}\nimages:\n  a0: {from: scratch}\n" + lines(8_000, "  a#: {from: a%, volumes: [/v#]}\n"), tooMuch},
		{"labels that many images inherit", "images:\n  a0: {from: scratch, labels: {l: " + long + "}}\n" + lines(8_000, "  a#: {from: a0}\n"), tooMuch},

		{"many undeclared variables", "environment:\n" + lines(8_000, "  ABCDEFGHIJKLMNO#: {}\n") + "services:\n" + lines(8_000, "  s#: {url: \"tcp://${BCDEFGHIJKLMNOP#}:1\"}\n") + images, "is not declared under environment"},
		{"many unknown images", "images:\n" + lines(16_000, "  abcdefghij#: {from: bcdefghijk#}\n"), "no image of this family is called"},
		{"many undeclared settings", "settings:\n" + lines(8_000, "  abcdefgh#: {file: /f, lens: l.aug}\n") + helped + "  a: {from: b, start: {command: [a], configure: [" + lines(20_000, "bcdefghi#,") + "]}}\n", "is not declared under settings"},
		{"many unknown keys", images + lines(50_000, "k#: v\n"), "unknown key"},
		{"variables where they mean nothing", "images: {a: {from: scratch, labels: {l: \"" + strings.Repeat("$${ ${A} ", 110_000) + "\"}}}\n", "is known when a container starts"},

		{"many Services", "environment:\n" + lines(12_000, "  S#_SERVICE_HOST: {}\n") + "kubernetes: {services: {" + lines(12_000, "s#: {port: 1},\n") + "}}\n" + images, accepted},
		{"many sockets", helped + "  a: {from: b, start: {command: [c], require: {sockets: [" + lines(50_000, "/v#,") + "]}}}\n", accepted},
		{"deep destinations", "images: {a: {from: scratch, steps: [files: [" + lines(200, "{from: f1, to: /a#"+strings.Repeat("/d", 2000)+"},") + "]]}}\n", accepted},
		{"many escapes", "images: {a: {from: scratch, labels: {l: \"" + strings.Repeat("$${", 330_000) + "\"}}}\n", accepted},
		{"a long chain of variables", "variables:\n  v0: {default: a}\n" + lines(20_000, "  v#: {default: \"${{ v% }}\"}\n") + images, accepted},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, map[string]string{"f1": ""})
			got := make(chan error, 1)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			go func() { got <- resolveAny(head+test.yaml, family.Options{Dir: dir, Assets: builtIn()}) }()
			select {
			case err := <-got:
				runtime.ReadMemStats(&after)
				checkErrors(t, err, test.want)
			case <-time.After(time.Minute): // it takes a second or two
				t.Fatal("it is not resolved after a minute")
			}
			const enough = 450
			if allocated := (after.TotalAlloc - before.TotalAlloc) >> 20; allocated > enough {
				t.Errorf("it takes %d MiB in all, want %d at most", allocated, enough)
			}
		})
	}
}

// resolveAny reads and resolves a spec, as commands do.
func resolveAny(yaml string, opts family.Options) error {
	s, err := spec.Parse("f.yaml", []byte(yaml))
	if s == nil {
		return err
	}
	if _, resolveErr := family.Resolve(s, opts); err == nil {
		return resolveErr
	}
	return err
}

// checkErrors checks that the first error about a spec is the one that is wanted.
func checkErrors(t *testing.T, err error, want string) {
	t.Helper()
	var all spec.Errors
	switch {
	case want == "" && err != nil:
		t.Errorf("error %.300s, want none", err)
	case want != "" && (!errors.As(err, &all) || !strings.Contains(all[0].Error(), want)):
		t.Errorf("error %.300v, want %s", err, want)
	}
}

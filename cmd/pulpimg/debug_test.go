package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

func TestFlagsAreWrittenSoThatTheyAreReadAsTheyWere(t *testing.T) {
	for name, c := range map[string]struct{ given, want []string }{
		"a switch":               {[]string{"--switch"}, []string{"--switch"}},
		"one that is said to be": {[]string{"--switch=true"}, []string{"--switch"}},
		"one that is not":        {[]string{"--switch=false"}, []string{"--switch=false"}},
		"a text":                 {[]string{"--text=a b"}, []string{"--text", "a b"}},
		"a list":                 {[]string{"--list", "a", "--list", "b,c"}, []string{"--list", "a", "--list", "b,c"}},
	} {
		t.Run(name, func(t *testing.T) {
			flags := pflag.NewFlagSet("", pflag.ContinueOnError)
			flags.Bool("switch", true, "")
			flags.String("text", "", "")
			flags.StringArray("list", nil, "")
			if err := flags.Parse(c.given); err != nil {
				t.Fatal(err)
			}
			var got []string
			flags.Visit(func(flag *pflag.Flag) { got = append(got, flagWords(flag)...) })
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// A completer suggests what may come next on a command line.
type completer = cobra.CompletionFunc

// completeCommands gives each command what completes its flags and arguments. What a spec has is read from the one that the command line
// names; one that cannot be read has nothing to suggest, and nobody wants to hear of it before they press return.
func completeCommands(cmd *cobra.Command) {
	for _, below := range cmd.Commands() {
		completeCommands(below)
	}
	if cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	cmd.NonInheritedFlags().VisitAll(func(flag *pflag.Flag) {
		if complete := flagCompleter(cmd, flag); complete != nil {
			// This fails for a flag that has one already.
			_ = cmd.RegisterFlagCompletionFunc(flag.Name, complete)
		}
	})
}

// flagCompleter returns what completes the value of a flag, or nil: then it is a file.
func flagCompleter(cmd *cobra.Command, flag *pflag.Flag) completer {
	if choice, ok := valueOf(flag).(interface{ choices() []string }); ok {
		return fixed(choice.choices()...)
	}
	switch flag.Name {
	case "file", "vars":
		return cobra.FixedCompletions([]string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt)
	case "set":
		return completeVariables
	case "env":
		return completeEnvironment
	case "kind":
		return fixed("workload", "pod")
	case "with":
		return fixed("docker", "podman")
	case "restart":
		return fixed("no", "on-failure", "always", "unless-stopped")
	case "progress":
		return fixed(progressModes...)
	case "output":
		if cmd.Name() == "manifests" || cmd.Name() == "dockerfile" {
			return directories()
		}
		if cmd.Name() != "build" {
			return nil
		}
		return func(_ *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return []string{"oci:", "docker-archive:"}, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
		}
	case "platform":
		return fixed("linux/amd64", "linux/arm64")
	case "assets", "check":
		return directories()
	case "registry", "tag", "older-than", "secret", "engine", "name", "hostname", "network", "namespace", "existing-secret", "pull-secret", "service", "publish":
		return cobra.NoFileCompletions
	}
	return nil
}

func directories() completer { return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs) }

func fixed(values ...string) completer {
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
}

// specAtHand reads the spec that a command line names, as far as it can be read; nil, if it cannot.
func specAtHand(cmd *cobra.Command) *spec.Spec {
	file, err := cmd.Flags().GetString("file")
	if err != nil {
		return nil
	}
	read, _ := spec.Load(file) // mistakes are not for now
	return read
}

// completeImages suggests the images that are not named yet.
func completeImages(cmd *cobra.Command, named []string, _ string) ([]string, cobra.ShellCompDirective) {
	var out []string
	if s := specAtHand(cmd); s != nil {
		for _, image := range s.Images {
			if !slices.Contains(named, image.Name.Value) {
				out = append(out, cobra.CompletionWithDesc(image.Name.Value, "from "+image.Value.From.Value))
			}
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// completeImage suggests the one image that a command takes. What comes after it is the container's.
func completeImage(cmd *cobra.Command, named []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	if len(named) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return completeImages(cmd, named, toComplete)
}

// completeVariables suggests the variables of the spec that have no value yet.
func completeVariables(cmd *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	return completeAssignment(cmd, "set", toComplete, func(s *spec.Spec) (all []assignable) {
		for _, v := range s.Variables {
			all = append(all, assignable{v.Name.Value, defaultOf(v.Value.Default)})
		}
		for _, name := range schema.GitVariables() { // for those who know them
			if strings.HasPrefix(toComplete, "git") && !slices.ContainsFunc(all, func(a assignable) bool { return a.name == name }) {
				all = append(all, assignable{name, "what git says of the repository"})
			}
		}
		return all
	})
}

// completeEnvironment suggests the variables of the environment that have no value yet. The default of a secret is not shown.
func completeEnvironment(cmd *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	return completeAssignment(cmd, "env", toComplete, func(s *spec.Spec) (all []assignable) {
		for _, v := range s.Environment {
			description := defaultOf(v.Value.Default)
			switch {
			case v.Value.Secret:
				description = "secret"
			case v.Value.Required:
				description = "required"
			}
			all = append(all, assignable{v.Name.Value, description})
		}
		return all
	})
}

func defaultOf(text *spec.Text) string {
	if text == nil {
		return "has no default"
	}
	return "default " + cmp.Or(text.Value, `""`)
}

// An assignable is a variable that a flag gives a value.
type assignable struct{ name, description string }

// completeAssignment suggests the variables that a flag has not given a value yet, up to the value: that may be anything.
func completeAssignment(cmd *cobra.Command, flag, toComplete string, of func(*spec.Spec) []assignable) ([]string, cobra.ShellCompDirective) {
	const directive = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveKeepOrder
	s := specAtHand(cmd)
	if s == nil || strings.Contains(toComplete, "=") {
		return nil, directive
	}
	given, _ := cmd.Flags().GetStringArray(flag)
	var out []string
	for _, v := range of(s) {
		assignment := v.name + "="
		if !slices.ContainsFunc(given, func(g string) bool { return strings.HasPrefix(g+"=", assignment) }) {
			out = append(out, cobra.CompletionWithDesc(assignment, v.description))
		}
	}
	return out, directive
}

// choices returns the formats.
func (f *format) choices() []string { return []string{formatText, formatJSON, formatGitHub} }

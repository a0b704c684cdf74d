package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/pulpimg/pulpimg/internal/gendir"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/render/kubernetes"
)

// A manifestsCommand is the flags of `pulpimg manifests`.
type manifestsCommand struct {
	console    console
	source     source
	registry   registryFlags
	values     values
	kind       string
	dir        string
	namespace  string
	secrets    secretFiles
	existing   []string
	pullSecret string
	services   []string
	byTag      bool
}

func newManifests(con console) *cobra.Command {
	c := &manifestsCommand{console: con}
	cmd := &cobra.Command{
		Use:   "manifests [IMAGE...]",
		Short: "Print Kubernetes objects that run the images",
		Long: "Print Kubernetes objects that run the published images of a spec: all that are meant to be run, or those that are named. What the\n" +
			"spec says under kubernetes decides what they are.",
		Example: "  pulpimg manifests -f specs/pulp.yaml -e PULP_SERVER_NAME=pulp.example.com |\n    kubectl apply -f -\n" +
			"  pulpimg manifests -f specs/pulp.yaml --env-file pulp.env --namespace pulp \\\n    -o deploy && kubectl apply -k deploy\n" +
			"  pulpimg manifests -f specs/pulp.yaml pulp-beat --kind pod \\\n    -e PULP_SERVER_NAME=pulp.example.com",
		RunE:              func(cmd *cobra.Command, args []string) error { return c.run(cmd.Context(), args) },
		ValidArgsFunction: completeImages,
	}
	flags := cmd.Flags()
	c.source.flags(flags)
	c.registry.flags(flags)
	c.values.flags(flags)
	flags.StringVar(&c.kind, "kind", "workload", "what runs the images: workload (a Deployment, StatefulSet, DaemonSet, Job or CronJob each) or pod (`KIND`)")
	flags.StringVarP(&c.dir, "output", "o", "", "write a file for each object, and a kustomization.yaml, into this `DIR`, which must hold nothing else; what an earlier run wrote there and is no longer part is removed")
	flags.StringVarP(&c.namespace, "namespace", "n", "", "put the objects into this `NAMESPACE`")
	c.secrets.flag(flags, "put this file, or id=ID,env=NAME, a variable of this environment, into the Secret that is printed, as the secret `ID` of the spec")
	flags.StringArrayVar(&c.existing, "existing-secret", nil,
		"take secret variables and files from the Secret `NAME`, which is in the cluster already; or SECRET=NAME[/KEY], one of them (may be repeated)")
	flags.StringVar(&c.pullSecret, "pull-secret", "", "pull the images with the credentials in the Secret `NAME`")
	flags.StringArrayVar(&c.services, "service", nil,
		"also make a Service of the spec: NAME=KEY=VALUE[,KEY=VALUE] leads to pods with these labels, NAME=HOST[:PORT] out of the cluster (`SERVICE`, may be repeated)")
	flags.BoolVar(&c.byTag, "by-tag", false, "name the images by their tags, which may move, instead of their digests")
	return cmd
}

func (c *manifestsCommand) run(ctx context.Context, images []string) error {
	opts, existing, err := c.parse()
	if err != nil {
		return err
	}
	f, err := c.source.publishedFamily(ctx, c.console, images)
	if err != nil {
		return err
	}
	objects, err := c.objects(ctx, f, opts, existing)
	if err != nil {
		return err
	}
	if c.dir == "" {
		return kubernetes.Write(c.console.out, objects)
	}
	return c.write(ctx, f, objects)
}

// parse reads the flags that need no spec.
func (c *manifestsCommand) parse() (opts kubernetes.Options, existing existingSecrets, err error) {
	if c.kind != "workload" && c.kind != "pod" {
		return opts, existing, usageError{fmt.Errorf("--kind %s: it is workload or pod", c.kind)}
	}
	if existing, err = parseExisting(c.existing); err != nil {
		return opts, existing, err
	}
	if err := c.checkNames(); err != nil {
		return opts, existing, err
	}
	opts = kubernetes.Options{Namespace: c.namespace, PullSecret: c.pullSecret, Secret: existing.all, Keys: existing.keys}
	if opts.Services, err = parseServices(c.services); err != nil {
		return opts, existing, err
	}
	return opts, existing, c.registry.check()
}

func (c *manifestsCommand) objects(ctx context.Context, f *family.Family, opts kubernetes.Options, existing existingSecrets) (_ []kubernetes.Object, err error) {
	objectsOf := kubernetes.Workloads
	if c.kind == "pod" {
		objectsOf = kubernetes.Pods
	}
	if opts.Values, err = c.values.read(f); err != nil {
		return nil, err
	}
	if err := existing.check(f); err != nil {
		return nil, err
	}
	if opts.Files, err = c.secrets.contents(f); err != nil {
		return nil, err
	}
	opts.Images, opts.Moving = tags(f), true
	objects, err := objectsOf(f, opts)
	if err != nil {
		return nil, withHint(f, err, " or --existing-secret")
	}
	warnOfIdle(c.console, f)
	warnOfFiles(c.console, f.Published(), nothing)
	if c.byTag {
		c.warnOfJobs(f)
		return objects, nil
	}
	// Only now, when nothing else is wrong, is a registry asked.
	if opts.Images, err = c.source.published(ctx, c.console, f, &c.registry); err != nil {
		return nil, err
	}
	opts.Moving = false
	return objectsOf(f, opts)
}

// warnOfJobs says that a Job by a tag does not run again when the tag moves: its objects stay the same.
func (c *manifestsCommand) warnOfJobs(f *family.Family) {
	if c.kind != "workload" {
		return
	}
	for _, image := range f.Images {
		if image.Runs() && image.Workload.Kind == family.KindJob {
			fmt.Fprintf(c.console.err, "%s is a job: by its tag, it is the same Job when the tag moves, and does not run again; by its digest, each image has a Job of its own\n", image.Name)
		}
	}
}

// checkNames returns an error about names that no object of Kubernetes can have.
func (c *manifestsCommand) checkNames() error {
	if c.namespace != "" && len(validation.IsDNS1123Label(c.namespace)) > 0 {
		return usageError{fmt.Errorf("--namespace %s: a namespace has small letters, digits and '-'", c.namespace)}
	}
	if c.pullSecret != "" {
		return checkSecretName("pull-secret", c.pullSecret, c.pullSecret)
	}
	return nil
}

// write makes the directory hold the objects and nothing else, as it is with Dockerfiles: one of an earlier run that is no longer part
// would be applied by who applies all that is there.
func (c *manifestsCommand) write(ctx context.Context, f *family.Family, objects []kubernetes.Object) error {
	objectFiles, err := kubernetes.Files(objects)
	if err != nil {
		return err
	}
	files := make([]gendir.File, len(objectFiles))
	for i, f := range objectFiles {
		files[i] = gendir.File{Path: f.Name, Mode: f.Mode, Data: f.Data}
	}
	removed, err := gendir.Folder{Dir: c.dir, Holds: "the Kubernetes objects of " + f.Name}.Write(ctx, files)
	if err != nil {
		return fmt.Errorf("writing the objects: %w", err)
	}
	fmt.Fprintf(c.console.err, "wrote %s and kustomization.yaml into %s\n", count(len(objects), "object"), c.dir)
	c.sayGone(removed, files)
	return nil
}

// parseServices reads NAME=KEY=VALUE[,KEY=VALUE] and NAME=HOST[:PORT].
func parseServices(flags []string) ([]family.KubernetesService, error) {
	var out []family.KubernetesService
	for _, flag := range flags {
		name, to, ok := strings.Cut(flag, "=")
		if !ok || name == "" || to == "" {
			return nil, usageError{fmt.Errorf("--service %s: write NAME=KEY=VALUE for pods with a label, or NAME=HOST for what is outside", flag)}
		}
		s := family.KubernetesService{Name: name}
		var err error
		if strings.Contains(to, "=") {
			if s.Selector, err = labels.ConvertSelectorToLabelsMap(to); err != nil {
				err = fmt.Errorf("%q is no list of labels: write KEY=VALUE[,KEY=VALUE], as they are in kubectl get pods --show-labels", to)
			}
		} else {
			s.External, s.Port, err = parseHost(to)
		}
		if err != nil {
			return nil, usageError{fmt.Errorf("--service %s: %w", flag, err)}
		}
		out = append(out, s)
	}
	return out, nil
}

// parseHost reads HOST or HOST:PORT; the port is 0 when there is none.
func parseHost(text string) (host string, port int, err error) {
	if scheme, _, ok := strings.Cut(text, "://"); ok {
		return "", 0, fmt.Errorf("leave out %s://: a Service leads to a host, and the port says what for", scheme)
	}
	if _, err := strconv.Atoi(text); err == nil {
		return "", 0, fmt.Errorf("%q is no host: write HOST:%s", text, text)
	}
	host, number := text, ""
	if _, err := netip.ParseAddr(text); err != nil && strings.Contains(text, ":") {
		if host, number, err = net.SplitHostPort(text); err != nil {
			return "", 0, errors.New("write HOST or HOST:PORT")
		}
		if port, err = strconv.Atoi(number); err != nil || port < 1 || port > 65535 {
			return "", 0, fmt.Errorf("%q is no port", number)
		}
	}
	if problem := family.ExternalProblem(host); problem != "" && host != strings.ToLower(host) {
		return "", 0, fmt.Errorf("%q %s that Kubernetes takes: write it with small letters", host, problem)
	} else if problem != "" {
		return "", 0, fmt.Errorf("%q %s", host, problem)
	}
	return host, port, nil
}

package layout

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/gofrs/flock"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/atomicfile"
)

// The annotations of an entry of a layout's index. Only entries of the last build have the standard's annotation for a
// reference: other tools use it as a name, which stands for one image.
const (
	annotationBuild     = "org.pulpimg.build"     // the number of the build
	annotationImage     = "org.pulpimg.image"     // the image of the family
	annotationInputs    = "org.pulpimg.inputs"    // what the image was built from
	annotationReference = "org.pulpimg.reference" // what the image was to be published under, or the first of that
	annotationRecipe    = "org.pulpimg.recipe"    // the descriptor of what the images are made of, as JSON
	annotationShared    = "org.pulpimg.shared"    // the descriptor of what registries are told of the images, as JSON
	annotationExport    = "org.pulpimg.export"    // the descriptor of what the engine exported, as JSON

	// annotationReferences has all that an image was to be published under, as JSON, if that is more than one reference. Who does not know it
	// finds the first.
	annotationReferences = "org.pulpimg.references"

	// annotationContainerd is where containerd's tools look for the name of an image in a layout.
	// https://github.com/containerd/containerd/blob/main/core/images/annotations.go
	annotationContainerd = "io.containerd.image.name"
)

// ErrEmpty says that a layout holds no build.
var ErrEmpty = errors.New("nothing was built yet")

// A Build is what one command built.
type Build struct {
	// Number tells the builds of a layout apart; a later one has a higher number.
	Number int
	// Time is when the build ended.
	Time time.Time
	// Images are in build order.
	Images []Image
	// Export describes the index of what the engine exported. Its blobs are kept with the build, because the engine does not send again
	// what is there. It may be missing.
	Export *ocispec.Descriptor
	// Recipe describes a blob that says what the images are made of. It may be missing.
	Recipe *ocispec.Descriptor
	// Shared describes a blob that says what registries are told of how the images were made. It may be missing.
	Shared *ocispec.Descriptor
}

// String names the build to people, with its time in their own time zone.
func (b Build) String() string {
	return fmt.Sprintf("build %d (%s)", b.Number, b.Time.Local().Format("2006-01-02 15:04"))
}

// An Image is an image of a build.
type Image struct {
	// Name is the image's name in the family.
	Name string
	// References are what the image was to be published under when it was built. The first is what it is called where one name has to do.
	References []string
	// Inputs is the digest of what the image was built from, as far as the spec and its files decide it.
	Inputs digest.Digest
	// Descriptor is the image's manifest or, when there are several platforms, its index.
	Descriptor ocispec.Descriptor
	// Manifests are the manifests, one for each platform.
	Manifests []ocispec.Descriptor
	// Sources say where layers are that need not be in the layout. A layer that is in it may have a source, too: a registry can take it from
	// there.
	Sources []Source
}

// Reference returns the first of the image's references, or nothing.
func (i Image) Reference() string {
	if len(i.References) == 0 {
		return ""
	}
	return i.References[0]
}

// Image returns the image of a name.
func (b Build) Image(name string) (Image, bool) {
	at := slices.IndexFunc(b.Images, func(i Image) bool { return i.Name == name })
	if at < 0 {
		return Image{}, false
	}
	return b.Images[at], true
}

// Add makes a build the last one of the layout, and returns it with its number and time.
func (l *Layout) Add(ctx context.Context, b Build) (_ Build, err error) {
	unlock, err := l.lockIndex(ctx)
	if err != nil {
		return Build{}, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	builds, err := l.Builds()
	if err != nil && !errors.Is(err, ErrEmpty) {
		builds = nil // the builds of a damaged index are lost
	}
	b.Number, b.Time = 1, time.Now().UTC().Truncate(time.Second)
	if len(builds) > 0 {
		b.Number = builds[0].Number + 1
	}
	return b, l.writeIndex(append([]Build{b}, builds...))
}

// Builds returns the builds of the layout, the last one first. The error is ErrEmpty when there are none.
func (l *Layout) Builds() ([]Build, error) {
	builds, err := l.knownBuilds()
	if err != nil {
		return nil, fmt.Errorf("reading the image layout %s: %w", l.Dir(), err)
	}
	if len(builds) == 0 {
		return nil, ErrEmpty
	}
	return builds, nil
}

// readIndexFile is the file of an index that was read, and the builds in it.
type readIndexFile struct {
	file   fs.FileInfo // nil if none was read
	builds []Build
}

// knownBuilds returns the builds of the index. It is read again if it is another file than before: nobody writes into one.
func (l *Layout) knownBuilds() ([]Build, error) {
	file, err := os.Stat(filepath.Join(l.Dir(), ocispec.ImageIndexFile))
	if err != nil {
		return l.builds()
	}
	l.mu.Lock()
	before := l.read
	l.mu.Unlock()
	if b := before.file; b != nil && os.SameFile(b, file) && b.ModTime().Equal(file.ModTime()) && b.Size() == file.Size() {
		return slices.Clone(before.builds), nil
	}
	builds, err := l.builds()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.read = readIndexFile{file, builds}
	return slices.Clone(builds), nil
}

func (l *Layout) builds() ([]Build, error) {
	index, err := readIndex(l.Dir())
	if err != nil {
		return nil, err
	}
	byNumber := map[int]Build{}
	for _, desc := range index.Manifests {
		number, err := strconv.Atoi(desc.Annotations[annotationBuild])
		if err != nil {
			return nil, fmt.Errorf("an entry of its index belongs to no build: %w", err)
		}
		image, err := l.image(desc)
		if err != nil {
			return nil, err
		}
		b := byNumber[number]
		b.Number = number
		b.Images = append(b.Images, image)
		// The time is only shown, so one that cannot be read does not matter.
		b.Time, _ = time.Parse(time.RFC3339, desc.Annotations[ocispec.AnnotationCreated])
		if b.Export, err = descriptorIn(desc, annotationExport); err != nil {
			return nil, err
		}
		b.Recipe, _ = descriptorIn(desc, annotationRecipe) // without them, less is known of the build
		b.Shared, _ = descriptorIn(desc, annotationShared)
		byNumber[number] = b
	}
	return slices.SortedFunc(maps.Values(byNumber), func(a, b Build) int { return cmp.Compare(b.Number, a.Number) }), nil
}

// descriptorIn returns the descriptor in an annotation, or nil if there is none.
func descriptorIn(desc ocispec.Descriptor, annotation string) (*ocispec.Descriptor, error) {
	text, ok := desc.Annotations[annotation]
	if !ok {
		return nil, nil
	}
	var found ocispec.Descriptor
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		return nil, err
	}
	return &found, nil
}

func (l *Layout) image(desc ocispec.Descriptor) (Image, error) {
	references, err := referencesOf(desc)
	if err != nil {
		return Image{}, err
	}
	image := Image{
		Name:       desc.Annotations[annotationImage],
		References: references,
		Inputs:     digest.Digest(desc.Annotations[annotationInputs]),
		Sources:    parseSources(desc.Annotations[annotationSources]),
	}
	desc.Annotations = nil
	image.Descriptor, image.Manifests = desc, []ocispec.Descriptor{desc}
	if desc.MediaType != ocispec.MediaTypeImageIndex {
		return image, nil
	}
	index, err := l.Index(desc)
	image.Manifests = index.Manifests
	return image, err
}

// referencesOf returns what an image was to be published under.
func referencesOf(desc ocispec.Descriptor) ([]string, error) {
	text, ok := desc.Annotations[annotationReferences]
	if !ok {
		return []string{desc.Annotations[annotationReference]}, nil
	}
	var references []string
	if err := json.Unmarshal([]byte(text), &references); err != nil || len(references) == 0 {
		return nil, fmt.Errorf("the references of %s are no list: %q", desc.Annotations[annotationImage], text)
	}
	return references, nil
}

// readIndex reads the index of a layout; one that is not there is empty.
func readIndex(dir string) (ocispec.Index, error) {
	var index ocispec.Index
	data, err := os.ReadFile(filepath.Join(dir, ocispec.ImageIndexFile))
	if errors.Is(err, fs.ErrNotExist) {
		return index, nil
	}
	if err != nil {
		return index, err
	}
	if err := json.Unmarshal(data, &index); err != nil {
		return index, fmt.Errorf("reading %s: %w", ocispec.ImageIndexFile, err)
	}
	return index, nil
}

// writeIndex writes the files that make a directory of blobs a layout.
func (l *Layout) writeIndex(builds []Build) error {
	var entries []ocispec.Descriptor
	for at, b := range builds {
		for _, image := range b.Images {
			entry, err := entryOf(b, image, at == 0)
			if err != nil {
				return err
			}
			entries = append(entries, entry)
		}
	}
	return writeFiles(l.Dir(), newIndex(entries))
}

func writeFiles(dir string, index ocispec.Index) error {
	err := replaceJSON(filepath.Join(dir, ocispec.ImageLayoutFile), ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion})
	if err == nil {
		err = replaceJSON(filepath.Join(dir, ocispec.ImageIndexFile), index)
	}
	if err != nil {
		return fmt.Errorf("writing the image layout %s: %w", dir, err)
	}
	return nil
}

func entryOf(b Build, image Image, last bool) (ocispec.Descriptor, error) {
	entry := image.Descriptor
	entry.Annotations = map[string]string{
		annotationBuild:           strconv.Itoa(b.Number),
		annotationImage:           image.Name,
		annotationInputs:          string(image.Inputs),
		annotationReference:       image.Reference(),
		ocispec.AnnotationCreated: b.Time.Format(time.RFC3339),
	}
	if len(image.References) > 1 {
		data, err := json.Marshal(image.References)
		if err != nil {
			return entry, err
		}
		entry.Annotations[annotationReferences] = string(data)
	}
	if len(image.Sources) > 0 {
		data, err := json.Marshal(image.Sources)
		if err != nil {
			return entry, err
		}
		entry.Annotations[annotationSources] = string(data)
	}
	if last {
		maps.Copy(entry.Annotations, namesOf(image.Reference()))
	}
	for annotation, desc := range map[string]*ocispec.Descriptor{annotationExport: b.Export, annotationRecipe: b.Recipe, annotationShared: b.Shared} {
		if desc == nil {
			continue
		}
		data, err := json.Marshal(desc)
		if err != nil {
			return entry, err
		}
		entry.Annotations[annotation] = string(data)
	}
	return entry, nil
}

// namesOf returns the annotations by which other tools find an image.
func namesOf(reference string) map[string]string {
	return map[string]string{ocispec.AnnotationRefName: reference, annotationContainerd: reference}
}

func (l *Layout) lockIndex(ctx context.Context) (unlock func() error, err error) {
	lock := flock.New(filepath.Join(l.Dir(), indexLock), flock.SetPermissions(0o644))
	if _, err := lock.TryLockContext(ctx, lockInterval); err != nil {
		return nil, fmt.Errorf("locking the index of %s: %w", l.Dir(), err)
	}
	return lock.Unlock, nil
}

func replaceJSON(name string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return atomicfile.Write(name, append(data, '\n'), 0o644)
}

package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
)

// Policy is a source policy.
type Policy struct {
	Version int    `json:"version"`
	Rules   []Rule `json:"rules"`
}

// Rule says what happens to the sources that its selector matches.
type Rule struct {
	Action   string   `json:"action"` // CONVERT, ALLOW or DENY
	Selector Selector `json:"selector"`
	Updates  *Updates `json:"updates,omitempty"`
}

// Selector matches the identifiers of sources.
type Selector struct {
	Identifier string `json:"identifier"`
	MatchType  string `json:"match_type"` // matchType would be ignored
}

// Updates is what a CONVERT makes of a source.
type Updates struct {
	Identifier string `json:"identifier"`
}

// Image is an image of the public registries, and where the lab has it.
type Image struct {
	Public string // normalised, with a tag and without a digest: docker.io/library/fedora:20
	Local  string // 127.0.0.1:PORT/fedora:20
}

// URL is an address of the internet, and where the lab has it.
type URL struct{ Public, Local string }

// New returns the policy that converts these images and URLs and denies all
// other sources but those of 127.0.0.1 and of the client itself.
//
// BuildKit goes through the rules from the first to the last. A CONVERT that
// changes the source starts over with the new one. Of the ALLOW and DENY rules
// that match, the last one wins: so the DENY of everything comes before the
// exceptions to it.
func New(images []Image, urls []URL) Policy {
	p := Policy{Version: 1}
	for _, image := range images {
		// The digest, once resolved, is part of the identifier.
		selector := matching(`^docker-image://` + regexp.QuoteMeta(image.Public) + `(@.+)?$`)
		p.Rules = append(p.Rules, convert(selector, "docker-image://"+image.Local+"${1}"))
	}
	for _, url := range urls {
		p.Rules = append(p.Rules, convert(Selector{url.Public, "EXACT"}, url.Local))
	}
	p.Rules = append(p.Rules, Rule{Action: "DENY", Selector: matching(`.*`)})
	for _, pattern := range []string{
		`^docker-image://127\.0\.0\.1:[0-9]+/`,
		`^http://127\.0\.0\.1:[0-9]+/`,
		// Files and images that the client sends along.
		`^local://`,
		`^oci-layout://`,
	} {
		p.Rules = append(p.Rules, Rule{Action: "ALLOW", Selector: matching(pattern)})
	}
	return p
}

func matching(pattern string) Selector { return Selector{pattern, "REGEX"} }

func convert(from Selector, to string) Rule {
	return Rule{Action: "CONVERT", Selector: from, Updates: &Updates{to}}
}

// Marshal returns the policy as a policy file.
func (p Policy) Marshal() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(p); err != nil {
		return nil, fmt.Errorf("writing the source policy: %w", err)
	}
	return text.Bytes(), nil
}

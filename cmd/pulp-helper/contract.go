package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// A contract is what the spec declares for containers: the JSON of package family's Contract. This program repeats the shape instead
// of importing it, because all of package family and its YAML parser would come along into every image.
type contract struct {
	Environment []variable `json:"environment"`
	Settings    []settings `json:"settings"`
	Services    []service  `json:"services"`
}

type variable struct {
	Name     string  `json:"name"`
	Default  *string `json:"default"`
	Required bool    `json:"required"`
	Secret   bool    `json:"secret"`
}

type settings struct {
	Name string    `json:"name"`
	File string    `json:"file"`
	Lens string    `json:"lens"`
	Set  []setting `json:"set"`
}

type setting struct {
	Path  string `json:"path"`
	Value string `json:"value"`
}

type service struct {
	Name     string        `json:"name"`
	URL      string        `json:"url"`
	Tries    int           `json:"tries"`
	Interval time.Duration `json:"interval"`
	Timeout  time.Duration `json:"timeout"`
}

func readContract(name string) (contract, error) {
	var c contract
	data, err := os.ReadFile(name)
	if err != nil {
		return c, fmt.Errorf("reading what the image declares: %w", err)
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("reading what the image declares in %s: %w", name, err)
	}
	return c, nil
}

func (c contract) settings(name string) (settings, bool) {
	for _, s := range c.Settings {
		if s.Name == name {
			return s, true
		}
	}
	return settings{}, false
}

func (c contract) service(name string) (service, bool) {
	for _, s := range c.Services {
		if s.Name == name {
			return s, true
		}
	}
	return service{}, false
}

package publish

import (
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
)

// Greetings keep what registries answered when they were first asked for their protocol and their authentication, so that functions with the same
// Greetings in their options ask each of them once. They belong to options that reach registries in the same way. The zero value is empty. Errors
// are not kept.
type Greetings struct {
	mu      sync.Mutex
	answers map[greeted]pong
}

// greeted is a registry, and whether it may be reached over plain HTTP.
type greeted struct {
	registry name.Registry
	plain    bool
}

// once returns what is known of a registry, or else what a function returns. Several may ask at the same time: both answers are right.
func (g *Greetings) once(of greeted, ask func() pong) pong {
	if g == nil {
		return ask()
	}
	g.mu.Lock()
	known, ok := g.answers[of]
	g.mu.Unlock()
	if ok {
		return known
	}
	answer := ask()
	if answer.err != nil {
		return answer
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.answers == nil {
		g.answers = map[greeted]pong{}
	}
	g.answers[of] = answer
	return answer
}

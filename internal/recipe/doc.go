// Package recipe says what the images of a family are made of, in a form that is kept with a build, and what differs between two of them: why
// an image is built again, in the words of the spec.
//
// It covers what decides the keys of the steps, the configs of the images and what their manifests say of their bases, and nothing else: a
// comment, a cache or another order of files makes no difference. The package builds nothing and prints nothing, knows no engine and no registry, and says nothing of what is done about a
// difference; that is package forecast.
package recipe

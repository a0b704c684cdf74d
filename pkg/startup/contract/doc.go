// Package contract defines what a family's spec passes to the containers of its images: the environment that they read, the settings that
// they write and the services that they wait for. When an image is built, the contract is written into it as a JSON file. When a container
// starts, pulp-helper reads it.
//
// The package knows neither the spec nor images, and it neither writes settings nor waits for services.
package contract

# The family of specs/pulp.yaml, by hand. The bench sets the variables.

variable "REGISTRY" {}
variable "BASE" {}
variable "PULP_REPO" {}
variable "ROLES" {
  type    = list(string)
  default = ["pulp-beat", "pulp-resource-manager", "pulp-worker"]
}

group "default" {
  targets = concat(["pulp-base"], ROLES)
}

target "pulp-base" {
  context = "pulp-base"
  args    = { BASE = BASE, PULP_REPO = PULP_REPO }
  tags    = ["${REGISTRY}/pulp-base:2.4"]
  output  = ["type=image,push=true,oci-mediatypes=true"]
}

target "role" {
  name     = role
  matrix   = { role = ROLES }
  context  = role
  contexts = { pulp-base = "target:pulp-base" }
  tags     = ["${REGISTRY}/${role}:2.4"]
  output   = ["type=image,push=true,oci-mediatypes=true"]
}

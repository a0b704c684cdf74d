(* What Python's ConfigParser reads as a value, the lens reads as that value. *)
module Test_PulpConf =

let conf = "# Pulp
[server]
# server_name: server.example.com
key_url: /pulp/gpg
odd = a # b \"c\" % ; d

; another comment
empty:
"

test PulpConf.lns get conf =
  { "#comment" = "Pulp" }
  { "target" = "server"
    { "#comment" = "server_name: server.example.com" }
    { "key_url" = "/pulp/gpg" }
    { "odd" = "a # b \"c\" % ; d" }
    { }
    { "#comment" = "another comment" }
    { "empty" } }

(* A value that changes leaves the rest of its line as it is. *)
test PulpConf.lns put "[a]\nk = v\n" after set "target/k" "w x" = "[a]\nk = w x\n"

(* A key that is only commented out is added to its section. *)
test PulpConf.lns put "[a]\n# k: v\n[b]\n" after set "target[. = 'a']/k" "w" = "[a]\n# k: v\nk: w\n[b]\n"

(* A section that is missing is added. *)
test PulpConf.lns put "[a]\n" after set "target[. = 'b']" "b"; set "target[. = 'b']/k" "v" = "[a]\n[b]\nk: v\n"

(* A line that ConfigParser does not read is an error. *)
test PulpConf.lns get "[a]\nno separator\n" = *
test PulpConf.lns get "k: v\n" = *

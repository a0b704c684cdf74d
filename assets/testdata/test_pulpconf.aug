(* What Python's ConfigParser reads as a value, the lens reads as that value. *)
module Test_PulpConf =

let lns = PulpConf.lns

let conf = "# Pulp

[server]
# server_name: server.example.com
key_url: /pulp/gpg
odd = a # b \"c\" %; d
; another comment
#
empty:
none =
"

test lns get conf =
  { "#comment" = "Pulp" }
  { }
  { "target" = "server"
    { "#comment" = "server_name: server.example.com" }
    { "key_url" = "/pulp/gpg" }
    { "odd" = "a # b \"c\" %; d" }
    { "#comment" = "another comment" }
    { "#comment" }
    { "empty" }
    { "none" } }

(* Values. *)
test lns get "[s]\nk: v\n" = { "target" = "s" { "k" = "v" } }
test lns get "[s]\nk=v\n" = { "target" = "s" { "k" = "v" } }
test lns get "[s]\nk \t=\t v \t\n" = { "target" = "s" { "k" = "v" } }
test lns get "[s]\nk: = v: w\n" = { "target" = "s" { "k" = "= v: w" } }
test lns get "[s]\nk: #v\n" = { "target" = "s" { "k" = "#v" } }
test lns get "[s]\nk: \"v\" 'w'\n" = { "target" = "s" { "k" = "\"v\" 'w'" } }
test lns get "[s]\nk: \xff\xc3\xa9\n" = { "target" = "s" { "k" = "\xff\xc3\xa9" } }
test lns get "[s]\nk: v\r\n" = { "target" = "s" { "k" = "v" } }
test lns get "[s]\nk:v;w\n" = { "target" = "s" { "k" = "v;w" } }
test lns get "[s]\nk:;w\n" = { "target" = "s" { "k" = ";w" } }

(* White space and a semicolon begin a comment. *)
test lns get "[s]\nk: v ; c\n" = { "target" = "s" { "k" = "v" { "#inline" = "c" } } }
test lns get "[s]\nk: v w\t;c ; d\n" = { "target" = "s" { "k" = "v w" { "#inline" = "c ; d" } } }
test lns get "[s]\nk: v ;\n" = { "target" = "s" { "k" = "v" { "#inline" } } }
test lns get "[s]\nk: ; c\n" = { "target" = "s" { "k" { "#inline" = "c" } } }

(* Keys. *)
test lns get "[s]\nSome Key-1.x: v\n" = { "target" = "s" { "Some Key-1.x" = "v" } }
test lns get "[s]\na/b: v\n" = { "target" = "s" { "#other" = "a/b: v" } }
test lns get "[s]\n/: v ; w\n" = { "target" = "s" { "#other" = "/: v ; w" } }
test lns get "[s]\nk: 1\nK: 2\nk: 3\n" = { "target" = "s" { "k" = "1" } { "K" = "2" } { "k" = "3" } }

(* Sections. *)
test lns get "[s]\n" = { "target" = "s" }
test lns get "[ s t ]  \r\n" = { "target" = " s t " }
test lns get "[s] of comments\n[a/b] ; [c]\n[s]\n" = { "target" = "s" } { "target" = "a/b" } { "target" = "s" }

(* Lines that are indented or empty. *)
test lns get " \t\r\n  # c\n[s]\n  ; d\n \t\n" = { } { "#comment" = "c" { "indent" = "  " } } { "target" = "s" { "#comment" = "d" { "indent" = "  " } } { } }
test lns get "[s]\nk: a,\n\n# c\n  b: 1\n\t# d\nl: e\n" =
  { "target" = "s"
    { "k" = "a," } { } { "#comment" = "c" } { "#more" = "b: 1" } { "#comment" = "d" { "indent" = "\t" } }
    { "l" = "e" } }
test lns get "[s]\nk: v\n  [t]\n" = { "target" = "s" { "k" = "v" } { "#more" = "[t]" } }

(* A line that ConfigParser does not read is an error. *)
test lns get "[s]\nno separator\n" = *
test lns get "k: v\n" = *
test lns get "[s]\n: v\n" = *
test lns get "[s\nk: v\n" = *
test lns get "[]\n" = *
test lns get "[s]\nk: v\rl: w\n" = *
(* Python 2 and Python 3 read these as different things, or one of them not at all. *)
test lns get "[s] # [t]\n" = *
test lns get "[s]\n  k: v\n" = *
test lns get "  [s]\n" = *

(* A value that changes leaves the rest of its line as it is. *)
test lns put "[s]\nk = v\n" after set "target/k" "w x" = "[s]\nk = w x\n"
test lns put "[s]\nk=v \t\r\n" after set "target/k" "w" = "[s]\nk=w \t\r\n"
test lns put "[s]\nk:  v  ; c\n" after set "target/k" "w" = "[s]\nk:  w  ; c\n"
test lns put "[s]\nk:\n" after set "target/k" "w" = "[s]\nk: w\n"
test lns put "[s]\nk:;v\n" after set "target/k" "w" = "[s]\nk: w\n"
test lns put "[s]\nk: v\n" after clear "target/k" = "[s]\nk:\n"
test lns put "[s]\nk: v ; c\n" after rm "target/k/#inline" = "[s]\nk: v\n"
test lns put "[s]\nk: v\n" after set "target/k" "\"#'\\ [;]%%=:" = "[s]\nk: \"#'\\ [;]%%=:\n"

(* The lens cannot write what would be read as something else. *)
test lns put "[s]\nk: v\n" after set "target/k" "v ;w" = *
test lns put "[s]\nk: v\n" after set "target/k" " v" = *
test lns put "[s]\nk: v\n" after set "target/k" "v\t" = *
test lns put "[s]\nk: v\n" after set "target/k" "v\nw" = *
test lns put "[s]\nk: v\n" after set "target/k" "v\rw" = *
test lns put "[s]\nk: v\n" after set "target/k" "" = *

(* A key that is only commented out is added beside that. *)
test lns put "[s]\n# k: v\n# l: v\n[t]\n" after insa "k" "target[. = 's']/#comment[1]"; set "target[. = 's']/k" "w" = "[s]\n# k: v\nk: w\n# l: v\n[t]\n"
test lns put "[s]\n# k: v\n[t]\n" after set "target[. = 's']/k" "w" = "[s]\n# k: v\nk: w\n[t]\n"

(* A section that is missing is added. *)
test lns put "[s]\n" after set "target[. = 't']" "t"; set "target[. = 't']/k" "v" = "[s]\n[t]\nk: v\n"

(* The lines that continue a value go without what is between them, and a comment loses its indentation. *)
test lns put "[s]\nk: a\n# c\n  b\n  # d\nl: e\n" after rm "target/#more"; rm "target/#comment/indent" = "[s]\nk: a\n# c\n# d\nl: e\n"

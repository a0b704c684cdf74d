(*
Module: PulpConf
  Pulp's server.conf, as Python's ConfigParser reads it: that of Python 2, and that of Python 3 with inline comments after a semicolon.
  https://docs.python.org/2.7/library/configparser.html

  A section is a node "target" with the section's name as its value, and everything up to the next section is below it, in the order of
  the file. A value is the rest of its line without the white space around it, quotes and all; white space and a semicolon end it.
  Lines that only a lenient Python 3 reads, such as an indented section, are errors.
*)
module PulpConf =

(* A carriage return at the end of a line is white space to ConfigParser; within a line, Python 3 begins a new one at it. *)
let eol     = del /[ \t\r]*\n/ "\n"
let gap     = del /[ \t]*/ " "
let text    = /[^ \t\r\n]([^\r\n]*[^ \t\r\n])?/
let empty   = [ eol ]

(* Python 2 takes an indented comment below a key for a part of the key's value, so that the indentation is something to remove. *)
let indent  = [ label "indent" . store /[ \t]+/ ]
let comment = [ label "#comment" . indent? . del /[#;]/ "#" . (gap . store text)? . eol ]

(* An indented line continues the value above it, over empty lines and comments. It is a node of its own, beside the key. *)
let more    = [ label "#more" . del /[ \t]+/ "  " . store (text - /[#;][^\r\n]*/) . eol ]

let name    = /[^] \t\r\n\/:=#;[]([^\r\n\/:=]*[^ \t\r\n\/:=])?/
let sep     = del /[ \t]*[:=]/ ":"
let word    = /[^ \t\r\n;][^ \t\r\n]*/
let value   = store (word . (/[ \t]+/ . word)*)
let inline  = [ label "#inline" . del /[ \t]+;/ " ;" . (gap . store text)? . eol ]
(* A semicolon right behind the separator begins a value; we never write one. *)
let semi    = store /;[^\r\n]*[^ \t\r\n]|;/
let entry   = [ key name . sep . (gap . value)? . (inline | eol) ]
            | [ key name . sep . semi . eol ]
(* A label cannot have a slash in it. *)
let other   = [ label "#other" . store /([^] \t\r\n\/:=#;[][^\r\n\/:=]*)?\/[^\r\n:=]*[:=]([^\r\n]*[^ \t\r\n])?/ . eol ]

(* What is behind the title is ignored; Python 3 takes a second bracket for the end of the title, except in a comment. *)
let title   = del /\[/ "[" . store /[^]\r\n]+/ . del /\]([^]\r\n]*|[^]\r\n]*[ \t];[^\r\n]*)\r?\n/ "]\n"
let section = [ label "target" . title . (comment | empty)* . ((entry | other) . (comment | empty | more)*)* ]

let lns     = (comment | empty)* . section*

let filter  = incl "/etc/pulp/server.conf"

let xfm     = transform lns filter

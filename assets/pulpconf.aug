(*
Module: PulpConf
  Pulp's server.conf, as Python's SafeConfigParser reads it: sections, "key: value" or "key = value", and comments that take a whole
  line and begin with # or ;. A value is everything up to the end of the line, quotes included.
*)
module PulpConf =

let eol     = Util.del_str "\n"
let comment = IniFile.comment /[#;]/ "#"
let empty   = Util.empty
let key_re  = /[A-Za-z][A-Za-z0-9_.-]*/
let sep     = del /[ \t]*[:=][ \t]*/ ": "
let value   = store /[^ \t\n]([^\n]*[^ \t\n])?/
let blank   = del /[ \t]*/ ""

let entry   = [ key key_re . sep . (value . blank)? . eol ]
let title   = del /\[/ "[" . store /[^]\n\/]+/ . del /\][ \t]*\n/ "]\n"
let section = [ label "target" . title . (entry | comment | empty)* ]

let lns     = (comment | empty)* . section*

let filter  = incl "/etc/pulp/server.conf"

let xfm     = transform lns filter

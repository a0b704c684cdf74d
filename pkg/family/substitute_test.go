package family_test

import (
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// Where a string stands decides what ${NAME} means in it.
const (
	inLabel   = "images:\n  a:\n    from: scratch\n    labels:\n      l: %\n"
	inService = "services:\n  s:\n    url: %\n" + images
	inRun     = "images:\n  a:\n    from: scratch\n    steps:\n      - run: %\n"
)

func TestResolve_variables(t *testing.T) {
	const declared = "variables: {v: {default: x}, odd: {default: \"a$${B}_{c}_$\"}, both: {default: \"<${{ v }}>\"}}\nenvironment: {B: {}}\n"
	for _, test := range []struct{ name, where, text, want string }{
		{"nothing", inLabel, `plain $ { } $$ }}`, `plain $ { } $$ }}`},
		{"a variable", inLabel, `a ${{ v }} b`, `a x b`},
		{"without spaces", inLabel, `${{v}}`, `x`},
		{"several", inLabel, `${{ v }}${{ v }}-${{ both }}`, `xx-<x>`},
		{"a variable in braces", inLabel, `{${{ v }}}`, `{x}`},
		{"an escape", inLabel, `$${{ v }} $${B}`, `${{ v }} ${B}`},
		{"a dollar before an escape", inLabel, `$$${B}`, `$${B}`},
		{"a value is not read again", inLabel, `${{ odd }}`, `a${B}_{c}_$`},
		{"characters of several bytes", inLabel, `ü${{ v }}€`, `üx€`},

		{"a variable of the environment stays", inService, `http://${B}/${{ v }}`, `http://${B}/x`},
		{"an escape stays for what reads it", inService, `http://h/$${B}`, `http://h/$${B}`},
		{"a value gets escapes", inService, `http://h/${{ odd }}`, `http://h/a$${B}_{c}_$`},

		{"a script has its own variables", inRun, `echo ${B} ${UNKNOWN:-${{ v }}} $${B} $$`, `echo ${B} ${UNKNOWN:-x} $${B} $$`},
		{"a script with an open brace", inRun, `echo '${' ${{ v }}`, `echo '${' x`},
		{"an escape in a script", inRun, `echo $${{ v }}`, `echo ${{ v }}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			yaml := "'" + strings.ReplaceAll(test.text, "'", "''") + "'"
			f := mustResolve(t, head+declared+strings.Replace(test.where, "%", yaml, 1), family.Options{})
			var got string
			switch test.where {
			case inLabel:
				got = f.Images[0].Config.Labels["l"]
			case inService:
				got = f.Contract.Services[0].URL
			case inRun:
				got = f.Images[0].Steps[0].(family.Run).Script
			}
			if got != test.want {
				t.Errorf("%s becomes %q, want %q", test.text, got, test.want)
			}
		})
	}
}

// An error about a variable points into the string.
func TestResolve_errorInString(t *testing.T) {
	const declared = "variables: {v: {default: x}, dollar: {default: $}}\nenvironment: {B: {}}\n"
	for _, test := range []struct{ name, where, yaml, want string }{
		{"in a plain string", inLabel, `ab ${{ no }}`, `11:13: the variable "no" is not declared under variables (there is dollar, v)`},
		{"in quotes", inLabel, `"ab ${{ no }}"`, `11:14: the variable "no" is not declared under variables (there is dollar, v)`},
		{"after characters of several bytes", inLabel, `'ü€ ${{ no }}'`, `11:14: the variable "no" is not declared under variables (there is dollar, v)`},
		{"after an escape of YAML, whose place nobody knows", inLabel, `"a\tb ${{ no }}"`, `11:10: the variable "no" is not declared under variables (there is dollar, v)`},
		{"the second of two", inLabel, `${{ v }} ${{ w }}`, `11:19: the variable "w" is not declared under variables (there is dollar, v)`},
		{"without a name", inLabel, `${{ }}`, `11:10: the variable "" is not declared under variables (there is dollar, v)`},
		{"that nothing closes", inLabel, `a ${B`, `11:12: nothing closes this ${ (write $${ for the characters themselves)`},
		{"that nothing closes in a script", inRun, `a ${{ v }`, `11:16: nothing closes this ${{ (write $${{ for the characters themselves)`},
		{"in a string that starts with a container", inService, `tcp://${C}`, `9:16: the variable "C" is not declared under environment (there is B)`},
		{"without a name there", inService, `tcp://${}`, `9:16: only a name goes between ${ and }, not "" (defaults go under environment)`},
		{"of a dollar that becomes an escape", inService, `http://h/${{ dollar }}${B}`,
			`9:10: with its variables put in, this is "http://h/$${B}": a $ in one of their values changes the meaning of the text after it`},
		{"of a dollar that becomes a variable", inService, `tcp://${{ dollar }}{B}`,
			`9:10: with its variables put in, this is "tcp://${B}": a $ in one of their values changes the meaning of the text after it`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := resolve(t, head+declared+strings.Replace(test.where, "%", test.yaml, 1), family.Options{})
			if err == nil || err.Error() != "f.yaml:"+test.want {
				t.Errorf("%s: error %v, want %s", test.yaml, err, test.want)
			}
		})
	}
}

// Package startscript writes and reads the start script of an image: a text file with one line for each stage of a start, which
// pulp-helper interprets. People read it, and may edit it in a container for a test.
//
//	#!/usr/bin/pulp-helper start
//	version 1
//	image pulp-beat
//
//	require socket /dev/log
//	require variable PULP_SERVER_NAME
//	configure pulp
//	wait database
//	init /usr/bin/pulp-manage-db
//	become --user apache --workdir /var/lib/pulp/celery -- /usr/bin/celery --app=pulp.server.async.app beat
//
// A line is a list of words with blanks between them. A word that begins with # begins a comment. A word in double quotation marks may
// have anything in it; a backslash there begins \" \\ \n \r \t or \xHH. In the words of init and become, ${NAME} is a variable of the
// container's environment and $${ stands for ${, as in a spec; the package leaves both as they are.
//
// It runs nothing.
package startscript

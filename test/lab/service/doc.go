// Package service runs the servers that the built images talk to: FerretDB,
// which speaks MongoDB's protocol, and RabbitMQ.
//
// Each is a child of this process, on 127.0.0.1 with its data in one folder,
// and can be stopped and started again while a test looks on. No server
// outlives the process that started it, however that ends. The package knows
// nothing of labs: ports and folders are given.
package service

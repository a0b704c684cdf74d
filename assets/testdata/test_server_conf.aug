(* A whole file of the real shape. The text is that of server.conf, which a test compares with it. *)
module Test_Server_Conf =

let server_conf = "# Settings of the Pulp server.
#
# Every section is here; a key that is commented out shows its default. A line
# is \"key: value\"; one that begins with # or ; is a comment.


# [database]
# Where the server finds its MongoDB.
#
#   name              the database
#   seeds             HOST:PORT, or several of them with commas between
#   username          if the database asks for one
#   password          likewise
#   replica_set       the replica set's name, if there is one
#   operation_retries how often an operation is tried again

[database]
# name: pulp_database
# seeds: localhost:27017
# username:
# password:
# replica_set:
# operation_retries: 2


# [server]
# What the server is called and how it presents itself.
#
#   server_name       the host name that clients use
#   key_url, ks_url   paths below which GPG keys and kickstart trees are served
#   default_login     the first user, made when the database is set up
#   default_password  that user's password
#   debugging_mode    true: more in the log
#   log_level         CRITICAL, ERROR, WARNING, INFO or DEBUG

[server]
# server_name: localhost
# key_url: /pulp/gpg
# ks_url: /pulp/ks
# default_login: admin
# default_password: admin
# debugging_mode: false
# log_level: INFO


# [authentication]
# The key pair that consumers know the server by.

[authentication]
rsa_key: /etc/pki/pulp/rsa.key
rsa_pub: /etc/pki/pulp/rsa_pub.key


# [security]
# The certificate authority that signs users' and consumers' certificates.
# Expirations are in days.

[security]
# cacert: /etc/pki/pulp/ca.crt
# cakey: /etc/pki/pulp/ca.key
# ssl_ca_certificate: /etc/pki/pulp/ssl_ca.crt
# user_cert_expiration: 7
# consumer_cert_expiration: 3650
# serial_number_path: /var/lib/pulp/sn.dat


# [consumer_history]
# How many days a consumer's history is kept; -1 keeps it for ever.

[consumer_history]
# lifetime: 180


# [data_reaping]
# How often old documents are removed, and after how many days each kind is.

[data_reaping]
# reaper_interval: 0.25
# archived_calls: 0.5
# consumer_history: 60
# repo_sync_history: 60
# repo_publish_history: 60
# repo_group_publish_history: 60
# task_status_history: 7
# task_result_history: 3


# [ldap]
# Users from a directory.

[ldap]
# enabled: false
# uri: ldap://localhost
# base: dc=localhost
# tls: false
# default_role: example_role_id
# filter: (gidNumber=200)


# [oauth]
# Requests signed with a shared secret.

[oauth]
enabled: false
oauth_key: replace-me
oauth_secret: replace-me


# [messaging]
# How the server and its consumers' agents talk to each other.
#
#   url               tcp://HOST:PORT, or ssl:// with the certificates below
#   transport         qpid or rabbitmq
#   auth_enabled      sign messages
#   topic_exchange    the exchange that events are published to

[messaging]
# url: tcp://localhost:5672
# transport: qpid
# auth_enabled: true
# cacert: /etc/pki/qpid/ca/ca.crt
# clientcert: /etc/pki/qpid/client/client.pem
# topic_exchange: amq.topic
# event_notifications_enabled: false
# event_notification_url: qpid://localhost:5672/


# [tasks]
# How Celery's workers are reached.
#
#   broker_url          qpid://USER@HOST:PORT/ or amqp://USER:PASSWORD@HOST:PORT/VHOST
#   celery_require_ssl  true: use the certificates below
#   cacert, keyfile, certfile

[tasks]
# broker_url: qpid://localhost/
# celery_require_ssl: false
# cacert: /etc/pki/pulp/qpid/ca.crt
# keyfile: /etc/pki/pulp/qpid/client.crt
# certfile: /etc/pki/pulp/qpid/client.crt


# [email]
# Mail that the server sends.

[email]
# host: localhost
# port: 25
# from: no-reply@pulp.example.com
# enabled: false
"

test PulpConf.lns get server_conf =
  { "#comment" = "Settings of the Pulp server." }
  { "#comment" }
  { "#comment" = "Every section is here; a key that is commented out shows its default. A line" }
  { "#comment" = "is \"key: value\"; one that begins with # or ; is a comment." }
  { }
  { }
  { "#comment" = "[database]" }
  { "#comment" = "Where the server finds its MongoDB." }
  { "#comment" }
  { "#comment" = "name              the database" }
  { "#comment" = "seeds             HOST:PORT, or several of them with commas between" }
  { "#comment" = "username          if the database asks for one" }
  { "#comment" = "password          likewise" }
  { "#comment" = "replica_set       the replica set's name, if there is one" }
  { "#comment" = "operation_retries how often an operation is tried again" }
  { }
  { "target" = "database"
    { "#comment" = "name: pulp_database" }
    { "#comment" = "seeds: localhost:27017" }
    { "#comment" = "username:" }
    { "#comment" = "password:" }
    { "#comment" = "replica_set:" }
    { "#comment" = "operation_retries: 2" }
    { }
    { }
    { "#comment" = "[server]" }
    { "#comment" = "What the server is called and how it presents itself." }
    { "#comment" }
    { "#comment" = "server_name       the host name that clients use" }
    { "#comment" = "key_url, ks_url   paths below which GPG keys and kickstart trees are served" }
    { "#comment" = "default_login     the first user, made when the database is set up" }
    { "#comment" = "default_password  that user's password" }
    { "#comment" = "debugging_mode    true: more in the log" }
    { "#comment" = "log_level         CRITICAL, ERROR, WARNING, INFO or DEBUG" }
    { }
  }
  { "target" = "server"
    { "#comment" = "server_name: localhost" }
    { "#comment" = "key_url: /pulp/gpg" }
    { "#comment" = "ks_url: /pulp/ks" }
    { "#comment" = "default_login: admin" }
    { "#comment" = "default_password: admin" }
    { "#comment" = "debugging_mode: false" }
    { "#comment" = "log_level: INFO" }
    { }
    { }
    { "#comment" = "[authentication]" }
    { "#comment" = "The key pair that consumers know the server by." }
    { }
  }
  { "target" = "authentication"
    { "rsa_key" = "/etc/pki/pulp/rsa.key" }
    { "rsa_pub" = "/etc/pki/pulp/rsa_pub.key" }
    { }
    { }
    { "#comment" = "[security]" }
    { "#comment" = "The certificate authority that signs users' and consumers' certificates." }
    { "#comment" = "Expirations are in days." }
    { }
  }
  { "target" = "security"
    { "#comment" = "cacert: /etc/pki/pulp/ca.crt" }
    { "#comment" = "cakey: /etc/pki/pulp/ca.key" }
    { "#comment" = "ssl_ca_certificate: /etc/pki/pulp/ssl_ca.crt" }
    { "#comment" = "user_cert_expiration: 7" }
    { "#comment" = "consumer_cert_expiration: 3650" }
    { "#comment" = "serial_number_path: /var/lib/pulp/sn.dat" }
    { }
    { }
    { "#comment" = "[consumer_history]" }
    { "#comment" = "How many days a consumer's history is kept; -1 keeps it for ever." }
    { }
  }
  { "target" = "consumer_history"
    { "#comment" = "lifetime: 180" }
    { }
    { }
    { "#comment" = "[data_reaping]" }
    { "#comment" = "How often old documents are removed, and after how many days each kind is." }
    { }
  }
  { "target" = "data_reaping"
    { "#comment" = "reaper_interval: 0.25" }
    { "#comment" = "archived_calls: 0.5" }
    { "#comment" = "consumer_history: 60" }
    { "#comment" = "repo_sync_history: 60" }
    { "#comment" = "repo_publish_history: 60" }
    { "#comment" = "repo_group_publish_history: 60" }
    { "#comment" = "task_status_history: 7" }
    { "#comment" = "task_result_history: 3" }
    { }
    { }
    { "#comment" = "[ldap]" }
    { "#comment" = "Users from a directory." }
    { }
  }
  { "target" = "ldap"
    { "#comment" = "enabled: false" }
    { "#comment" = "uri: ldap://localhost" }
    { "#comment" = "base: dc=localhost" }
    { "#comment" = "tls: false" }
    { "#comment" = "default_role: example_role_id" }
    { "#comment" = "filter: (gidNumber=200)" }
    { }
    { }
    { "#comment" = "[oauth]" }
    { "#comment" = "Requests signed with a shared secret." }
    { }
  }
  { "target" = "oauth"
    { "enabled" = "false" }
    { "oauth_key" = "replace-me" }
    { "oauth_secret" = "replace-me" }
    { }
    { }
    { "#comment" = "[messaging]" }
    { "#comment" = "How the server and its consumers' agents talk to each other." }
    { "#comment" }
    { "#comment" = "url               tcp://HOST:PORT, or ssl:// with the certificates below" }
    { "#comment" = "transport         qpid or rabbitmq" }
    { "#comment" = "auth_enabled      sign messages" }
    { "#comment" = "topic_exchange    the exchange that events are published to" }
    { }
  }
  { "target" = "messaging"
    { "#comment" = "url: tcp://localhost:5672" }
    { "#comment" = "transport: qpid" }
    { "#comment" = "auth_enabled: true" }
    { "#comment" = "cacert: /etc/pki/qpid/ca/ca.crt" }
    { "#comment" = "clientcert: /etc/pki/qpid/client/client.pem" }
    { "#comment" = "topic_exchange: amq.topic" }
    { "#comment" = "event_notifications_enabled: false" }
    { "#comment" = "event_notification_url: qpid://localhost:5672/" }
    { }
    { }
    { "#comment" = "[tasks]" }
    { "#comment" = "How Celery's workers are reached." }
    { "#comment" }
    { "#comment" = "broker_url          qpid://USER@HOST:PORT/ or amqp://USER:PASSWORD@HOST:PORT/VHOST" }
    { "#comment" = "celery_require_ssl  true: use the certificates below" }
    { "#comment" = "cacert, keyfile, certfile" }
    { }
  }
  { "target" = "tasks"
    { "#comment" = "broker_url: qpid://localhost/" }
    { "#comment" = "celery_require_ssl: false" }
    { "#comment" = "cacert: /etc/pki/pulp/qpid/ca.crt" }
    { "#comment" = "keyfile: /etc/pki/pulp/qpid/client.crt" }
    { "#comment" = "certfile: /etc/pki/pulp/qpid/client.crt" }
    { }
    { }
    { "#comment" = "[email]" }
    { "#comment" = "Mail that the server sends." }
    { }
  }
  { "target" = "email"
    { "#comment" = "host: localhost" }
    { "#comment" = "port: 25" }
    { "#comment" = "from: no-reply@pulp.example.com" }
    { "#comment" = "enabled: false" }
  }

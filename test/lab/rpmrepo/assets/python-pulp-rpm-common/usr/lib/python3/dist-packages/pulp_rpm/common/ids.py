"""The names of the content types."""

TYPE_ID_RPM = "rpm"
TYPE_ID_SRPM = "srpm"
TYPE_ID_DRPM = "drpm"
TYPE_ID_ERRATA = "erratum"
TYPE_ID_DISTRO = "distribution"
TYPE_ID_PKG_GROUP = "package_group"

//! Resource types that `*` does not cover.

/// Types that administer a project. Only a super admin project may name them in a policy; an `admin` membership gets a
/// fixed set of entries for some of them.
pub const ADMIN_TYPES: [&str; 10] = [
    "AccessPolicy",
    "Project",
    "ProjectMembership",
    "User",
    "UserSecurityRequest",
    "PasswordChangeRequest",
    "Package",
    "PackageRelease",
    "PackageInstallation",
    "Cron",
];

/// Types of the system itself, closed to all but a super admin project.
pub const CLOSED_TYPES: [&str; 4] = ["Login", "JsonWebKey", "DomainConfiguration", "Enterprise"];

/// Whether the type administers a project.
pub fn is_admin_type(resource_type: &str) -> bool {
    ADMIN_TYPES.contains(&resource_type)
}

/// Whether the type is closed to all but a super admin project.
pub fn is_closed_type(resource_type: &str) -> bool {
    CLOSED_TYPES.contains(&resource_type)
}

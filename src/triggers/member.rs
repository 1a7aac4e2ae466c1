//! What is asked of a writer who is subject to policies beyond what every table asks, because sessions are made of these
//! documents: a membership is of its writer's project and names only that project's policies, and what is stored validates.

use crate::catalog::catalog;
use crate::error::{Error, Result};
use crate::registry::Protected;
use crate::session::{self, Session};
use crate::settings;
use access_policy::{Interaction, ProjectMembership};
use jsonb::{Node, Value};
use std::borrow::Cow;
use std::collections::HashSet;

const MEMBERSHIP: &str = "ProjectMembership";

/// A membership that somebody else than a super administrator writes, with the writer's project in the place of what it says
/// itself; `None` where nothing changes. Without a project it would reach them all.
pub fn in_project(
    session: &Session,
    protected: &Protected,
    document: Value<'_>,
) -> Result<Option<Vec<u8>>> {
    let access = &session.access;
    let (Some(project), Value::Object(object)) = (&access.project, document) else {
        return Ok(None);
    };
    if protected.type_of(document) != Some(MEMBERSHIP) || access.super_admin {
        return Ok(None);
    }
    let members = object.iter().filter(|(name, _)| *name != "project");
    let mut members: Vec<(Cow<'_, str>, Node<'_>)> = members
        .map(|(name, value)| (Cow::Borrowed(name), Node::Value(value)))
        .collect();
    let reference = Node::String(Cow::Owned(format!("Project/{project}")));
    let reference = Node::Object(vec![(Cow::Borrowed("reference"), reference)]);
    members.push((Cow::Borrowed("project"), reference));
    jsonb::encode(&Node::Object(members))
        .map(Some)
        .map_err(|_| Error::InvalidResource("the resource is too large".to_owned()))
}

/// Refuses a document, as it will be stored in one of the documents' tables, that does not validate, or that is a membership
/// under a policy of another project. A policy that the `stored` membership names already may stay. Whether the policy is
/// another project's or there is none makes no difference to anybody.
pub fn check(
    session: &Session,
    protected: &Protected,
    interaction: Interaction,
    reference: impl FnOnce() -> String,
    stored: Option<Value<'_>>,
    new: Value<'_>,
) -> Result<()> {
    let Some(document_type) =
        catalog().and_then(|catalog| catalog.document_type(protected.relation))
    else {
        return Ok(());
    };
    let text = jsonb::to_json(new);
    let findings = access_policy::validate_with(&text, &settings::fhirpath_limits());
    if let Some(error) = Error::from_findings(document_type, &findings) {
        return Err(error);
    }
    if document_type != MEMBERSHIP || session.access.super_admin {
        return Ok(());
    }
    let invalid = |findings: Vec<_>| Error::from_findings(MEMBERSHIP, &findings);
    let new = match ProjectMembership::parse(&text).map_err(invalid) {
        Ok(new) => new,
        Err(error) => {
            let unread = || Error::Internal("a membership cannot be read".to_owned());
            return Err(error.unwrap_or_else(unread));
        }
    };
    let stored = stored.and_then(|stored| ProjectMembership::parse(&jsonb::to_json(stored)).ok());
    let stored = stored.into_iter().flat_map(|stored| stored.access);
    let mut permitted: HashSet<String> = stored.map(|access| access.policy).collect();
    for access in new.access {
        if permitted.contains(&access.policy) {
            continue;
        }
        pgrx::check_for_interrupts!();
        let project = session::project_of_policy(&access.policy);
        if project.is_none() || project != session.access.project {
            return Err(Error::NotPermitted {
                interaction: interaction.code(),
                reference: reference(),
                detail: format!(
                    "its {} names no AccessPolicy of the membership's project",
                    access.instance
                ),
                hint: Some(
                    "Name a policy whose meta.project is the project; or have a super administrator write the membership.",
                ),
            });
        }
        permitted.insert(access.policy);
    }
    Ok(())
}

//! Actions of operators: notes on incidents, and voids.

use crate::domain::access::entry::{Actor, Change};
use crate::domain::incident::IncidentId;
use crate::domain::incident::entry::{Entry, Note, Void, Withdrew};
use crate::domain::incident::register::MOST_NOTES;
use crate::engine::Engine;
use crate::engine::access::AccessError;
use crate::store::StoreError;
use crate::store::journal::{AppendError, Appended, JournalName};
use crate::wire::journal::to_bytes;

/// How often an action is tried again where another entry came first.
const TRIES: usize = 16;

/// Why an action was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// Of no incident that is known.
    #[error("no incident {0}")]
    Unknown(IncidentId),
    /// One more than is kept.
    #[error("an incident holds at most {MOST_NOTES} notes")]
    TooMany,
    /// The journal could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store did not take it.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// Who does it could not be recorded.
    #[error(transparent)]
    Access(#[from] AccessError),
}

impl Engine {
    /// Records what somebody said of an incident, and who noted it.
    ///
    /// # Errors
    /// Where there is no such incident, or it could not be recorded.
    pub async fn note(&self, by: Actor, note: Note) -> Result<(), ActionError> {
        let register = self.read_journal().await?.register;
        let case = register.get(note.incident).ok_or(ActionError::Unknown(note.incident))?;
        if case.notes().len() >= MOST_NOTES {
            return Err(ActionError::TooMany);
        }
        let incident = note.incident.to_string();
        self.record_change(by, Change::NoteAdded { incident }).await?;
        Ok(self.append_action(&Entry::Note(note)).await?)
    }

    /// Withdraws reports, counts them, and records who did it. Detection then begins anew
    /// without them, and incidents for which nothing speaks any more are withdrawn. Gives
    /// the void as it was recorded.
    ///
    /// # Errors
    /// Where they could not be counted, or it could not be recorded.
    pub async fn void(&self, by: Actor, void: Void) -> Result<Void, ActionError> {
        let withdrew = match self.reports_of(&void) {
            Some(withdrawn) => self.store.count(&withdrawn).await?,
            None => Withdrew::default(),
        };
        let void = Void { withdrew: Some(withdrew), ..void };
        let (source, window, provider) = (void.source, void.window, void.provider.clone());
        let (from, to) = (window.from.start(), window.to.start());
        self.record_change(by, Change::ReportsVoided { source, from, to, provider }).await?;
        self.append_action(&Entry::Void(void.clone())).await?;
        Ok(void)
    }

    async fn append_action(&self, entry: &Entry) -> Result<(), AppendError> {
        let bytes = [to_bytes(entry)];
        for _ in 0..TRIES {
            let position = self.read_journal().await?.position;
            match self.store.append(JournalName::Incidents, None, position, &bytes).await? {
                Appended::Yes { .. } => {
                    self.read_journal().await?;
                    return Ok(());
                }
                Appended::Behind | Appended::Fenced => {}
            }
        }
        Err(StoreError::Unavailable("other entries of the journal kept coming first".into()).into())
    }
}

//! The minutes in which some node ran: a bit for each minute, a string for each day.

use super::Node;
use super::connection::{Ask, Fault};
use crate::domain::liveness::Liveness;
use crate::domain::time::Minute;
use ::redis::Value;
use std::ops::Range;

pub(super) const DAY_MINUTES: i64 = 24 * 60;

impl Node {
    pub(super) async fn mark_live(&self, minutes: Range<Minute>) -> Result<(), Fault> {
        let mut commands = Vec::new();
        for minute in minutes.start.0..minutes.end.0 {
            let day = minute.div_euclid(DAY_MINUTES);
            let key = self.keys.live_day(day);
            // A version before this one let them expire.
            let [mut add, mut set, mut persist] = ["SADD", "SETBIT", "PERSIST"].map(::redis::cmd);
            add.arg(self.keys.live_days()).arg(day);
            set.arg(&key).arg(minute.rem_euclid(DAY_MINUTES)).arg(1);
            persist.arg(&key);
            commands.extend([add, set, persist]);
        }
        if !commands.is_empty() {
            self.connection.ask_all(&[Ask { key: self.keys.live_day(0), commands }]).await?;
        }
        Ok(())
    }

    pub(super) async fn liveness(&self) -> Result<Liveness, Fault> {
        let days = self.live_days().await?;
        let get = |day: &i64| {
            let mut get = ::redis::cmd("GET");
            get.arg(self.keys.live_day(*day));
            get
        };
        let ask = Ask { key: self.keys.live_day(0), commands: days.iter().map(get).collect() };
        let replies = self.connection.ask_all(&[ask]).await?.pop().unwrap_or_default();
        let mut liveness = Liveness::default();
        for (day, reply) in days.into_iter().zip(replies) {
            let Value::BulkString(bits) = reply else { continue };
            let is_set = |minute: &i64| {
                bits.get((minute / 8) as usize)
                    .is_some_and(|byte| byte & (0x80 >> (minute % 8)) != 0)
            };
            for minute in (0..DAY_MINUTES).filter(is_set) {
                let minute = Minute(day * DAY_MINUTES + minute);
                liveness.mark(minute..minute.plus(1));
            }
        }
        Ok(liveness)
    }

    pub(super) async fn live_days(&self) -> Result<Vec<i64>, Fault> {
        let mut members = ::redis::cmd("SMEMBERS");
        members.arg(self.keys.live_days());
        let reply = self
            .connection
            .ask(&Ask { key: self.keys.live_days(), commands: vec![members] })
            .await?
            .pop()
            .unwrap_or_default();
        let mut days: Vec<i64> =
            ::redis::from_redis_value(reply).map_err(|error| Fault::Lasting(error.to_string()))?;
        days.sort_unstable();
        Ok(days)
    }
}

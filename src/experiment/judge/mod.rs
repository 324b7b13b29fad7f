//! From the pod of a run to its outcome.

pub mod container;
pub mod evidence;
pub mod held_log;
pub mod helpers;
pub mod job;
pub mod log_follower;
pub mod logs;
pub mod pod_state;
pub mod record;
pub mod tail;
pub mod verdict;
pub mod waiting_job;

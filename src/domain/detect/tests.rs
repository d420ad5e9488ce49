//! What the detector does with facts that are not what one hopes for, and what never changes whatever the facts.

(** A canary without a forbidden word in it: the axiom comes from the library, and only the list of
    assumptions shows it. *)
From Coq Require Import Classical.

Theorem excluded_middle : forall P : Prop, P \/ ~ P.
Proof. apply classic. Qed.

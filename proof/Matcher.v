(** * The matcher stops exactly at a time point, or says that it did not

    A model of packages/time-point/src/matcher.ts, action by action, on a processor whose counter
    interrupts late by an amount that an adversary chooses anew each time. *)

From Coq Require Import Arith List Lia.
Import ListNotations.

(** ** The target

    A processor under replay as the matcher can see it: what it would show after [i] steps, for
    [i] up to [last], where it ends (test/toy.ts, [allPlaces]). *)
Record Observation := {
  count : nat;
  pc : nat;
  register : nat;
  check : nat
}.

Record Target := {
  at_place : nat -> Observation;
  last : nat
}.

(** A step adds one to the counter or nothing. *)
Definition counts_by_ones (g : Target) : Prop :=
  forall i, i < last g ->
    count (at_place g i) <= count (at_place g (S i)) <= S (count (at_place g i)).

(** ** The matcher: [Matcher.next] *)

Record Key := {
  key_count : nat;
  key_pc : option nat;
  key_register : option nat
}.

Inductive Action :=
| RunToCount (c : nat)
| RunToBreakpoint (p : nat) (guard : nat)
| Step.

(** [is_skid] is the field of that name: the counter's lateness alone can explain the miss. *)
Inductive Outcome :=
| Delivered
| Overshoot (is_skid : bool)
| Undershoot (is_skid : bool)
| Mismatch.

(** What it remembers: whether a run to a count is under way, and where the counter landed. (The
    rest of its memory serves its messages only: the skid seen, the nearest place.) *)
Record Memory := {
  is_armed : bool;
  landed : option nat
}.

Definition fresh : Memory := {| is_armed := false; landed := None |}.

Section Matcher.
  Variables (k : Key) (margin : nat) (wanted_check : option nat).

  Definition agrees_with (part : option nat) (value : nat) : bool :=
    match part with None => true | Some v => v =? value end.

  (** [#noteSkid] *)
  Definition note (m : Memory) (seen : Observation) : Memory :=
    if is_armed m then {| is_armed := false; landed := Some (count seen) |} else m.

  (** [#creep]. From that very pc too: a run makes a step before it stops there again. *)
  Definition creep : Action :=
    match key_pc k with
    | None => Step
    | Some p => RunToBreakpoint p (S (key_count k))
    end.

  (** [isSkid] of [#miss] *)
  Definition by_skid (m : Memory) : bool :=
    match landed m with None => false | Some c => key_count k <=? c end.

  (** [next]: an outcome, or what to do and what to remember. *)
  Definition next (m0 : Memory) (seen : Observation) (is_ended : bool) :
      Outcome + (Action * Memory) :=
    let m := note m0 seen in
    if key_count k <? count seen then inl (Overshoot (by_skid m))
    else if count seen =? key_count k then
      if negb (agrees_with (key_pc k) (pc seen)) then
        if is_ended then inl (Undershoot (by_skid m)) else inr (creep, m)
      else if negb (agrees_with (key_register k) (register seen)) then
        if is_ended then inl (Undershoot (by_skid m)) else inr (Step, m)
      else if negb (agrees_with wanted_check (check seen)) then inl Mismatch
      else inl Delivered
    else if is_ended then inl (Undershoot (by_skid m))
    else if count seen <? key_count k - margin then
      inr (RunToCount (key_count k - margin), {| is_armed := true; landed := landed m |})
    else inr (creep, m).

  (** ** The adversary

      [interrupt g c i late j]: armed at [c], the counter of a processor at place [i] comes to [c]
      at place [q] and interrupts at [j]. [late q j] says how late an interrupt may be. *)
  Variable g : Target.
  Variable late : nat -> nat -> Prop.

  Definition reaches (c i q : nat) : Prop :=
    i < q /\ c <= count (at_place g q) /\
    forall r, i < r -> r < q -> count (at_place g r) < c.

  Definition interrupts (c i j : nat) : Prop :=
    exists q, reaches c i q /\ q <= j /\ late q j.

  Definition no_breakpoint (p i j : nat) : Prop :=
    forall r, i < r -> r <= j -> pc (at_place g r) <> p.

  (** What an action may do: from place [i] to place [j], still alive or ended there. An ended
      target stands at its last place; so does one whose interrupt would come after it. A run may
      stop early, before its interrupt or breakpoint: it is then asked for again. *)
  Inductive acts : Action -> nat -> nat -> bool -> Prop :=
  | act_step i : i < last g -> acts Step i (S i) true
  | act_step_ended : acts Step (last g) (last g) false
  | act_count c i j : i < j -> j <= last g -> interrupts c i j -> acts (RunToCount c) i j true
  | act_count_early c i j : i < j -> j <= last g ->
      (forall r, i < r -> r < j -> count (at_place g r) < c) -> acts (RunToCount c) i j true
  | act_count_ended c i : i <= last g ->
      (forall r, i < r -> r <= last g -> count (at_place g r) < c) \/
      (exists j, last g < j /\ interrupts c i j) ->
      acts (RunToCount c) i (last g) false
  | act_breakpoint p c i j : i < j -> j <= last g -> pc (at_place g j) = p ->
      no_breakpoint p i (pred j) -> acts (RunToBreakpoint p c) i j true
  | act_guard p c i j : i < j -> j <= last g -> no_breakpoint p i j -> interrupts c i j ->
      acts (RunToBreakpoint p c) i j true
  | act_breakpoint_early p c i j : i < j -> j <= last g -> no_breakpoint p i j ->
      count (at_place g j) < c -> acts (RunToBreakpoint p c) i j true
  | act_breakpoint_ended p c i : i <= last g -> no_breakpoint p i (last g) ->
      acts (RunToBreakpoint p c) i (last g) false.

  (** [matchTimePoint]: from place [i] with memory [m], the outcome, where the target then
      stands, and whether it ended. *)
  Inductive matches : Memory -> nat -> bool -> Outcome -> nat -> bool -> Prop :=
  | match_end m i ended o :
      next m (at_place g i) ended = inl o -> matches m i ended o i ended
  | match_act m i ended a m' j alive o f e :
      next m (at_place g i) ended = inr (a, m') -> acts a i j alive ->
      matches m' j (negb alive) o f e -> matches m i ended o f e.

  (** Every place at which the target was stopped on the way. *)
  Inductive visits : Memory -> nat -> bool -> nat -> Prop :=
  | visit_here m i ended : visits m i ended i
  | visit_later m i ended a m' j alive f :
      next m (at_place g i) ended = inr (a, m') -> acts a i j alive ->
      visits m' j (negb alive) f -> visits m i ended f.

  (** ** It ends *)

  Lemma ended_is_outcome m seen : exists o, next m seen true = inl o.
  Proof.
    unfold next. repeat match goal with |- context [if ?b then _ else _] => destruct b end; eauto.
  Qed.

  Lemma acts_forward a i j alive : acts a i j alive -> i <= last g ->
    i <= j /\ j <= last g /\ (alive = true -> i < j).
  Proof. intros H Hi. inversion H; subst; repeat split; intros; try discriminate; lia. Qed.

  (** Whatever the adversary does, there is no endless match: every action makes a step or ends
      the target. [progress i ended] falls with every action. *)
  Definition progress (i : nat) (ended : bool) : nat := 2 * (last g - i) + (if ended then 0 else 1).

  Theorem matcher_ends m i ended a m' j alive :
    i <= last g -> next m (at_place g i) ended = inr (a, m') -> acts a i j alive ->
    j <= last g /\ progress j (negb alive) < progress i ended.
  Proof.
    intros Hi Hn Ha. destruct (acts_forward a i j alive Ha Hi) as (Hij & Hj & Hlt).
    split; [assumption|].
    destruct ended.
    - destruct (ended_is_outcome m (at_place g i)) as [o E]. congruence.
    - unfold progress. destruct alive; simpl; [specialize (Hlt eq_refl)|]; lia.
  Qed.

  (** ** It never delivers anywhere else *)

  Definition shows_key (seen : Observation) : Prop :=
    count seen = key_count k /\ agrees_with (key_pc k) (pc seen) = true /\
    agrees_with (key_register k) (register seen) = true.

  Lemma delivered_shows_key m seen ended :
    next m seen ended = inl Delivered ->
    shows_key seen /\ agrees_with wanted_check (check seen) = true.
  Proof.
    unfold next, shows_key. intros H.
    destruct (Nat.ltb_spec (key_count k) (count seen)); [discriminate|].
    destruct (Nat.eqb_spec (count seen) (key_count k)) as [E|E].
    - destruct (agrees_with (key_pc k) (pc seen)); simpl in H; [|destruct ended; discriminate].
      destruct (agrees_with (key_register k) (register seen)); simpl in H;
        [|destruct ended; discriminate].
      destruct (agrees_with wanted_check (check seen)); simpl in H; [auto | discriminate].
    - destruct ended; [discriminate|].
      destruct (count seen <? key_count k - margin); discriminate.
  Qed.

  Theorem delivered_only_at_the_key m i ended f e :
    matches m i ended Delivered f e ->
    shows_key (at_place g f) /\ agrees_with wanted_check (check (at_place g f)) = true.
  Proof.
    intros H. remember Delivered as o. induction H; subst; auto.
    eapply delivered_shows_key. eassumption.
  Qed.

  (** ** With a margin that covers the skid it stops at the place, never past it *)

  Hypothesis by_ones : counts_by_ones g.

  Variable place : nat.
  Hypothesis place_in_run : place <= last g.
  Hypothesis place_shows : shows_key (at_place g place).
  (** The key is unique: TimePoint.v. *)
  Hypothesis unique : forall i, i <= last g -> shows_key (at_place g i) -> i = place.
  (** It is the same run as far as the check can tell. *)
  Hypothesis check_agrees : agrees_with wanted_check (check (at_place g place)) = true.

  Lemma count_monotone i j : i <= j -> j <= last g ->
    count (at_place g i) <= count (at_place g j).
  Proof.
    intros H. induction H as [|j H IH]; intros Hj; [lia|].
    specialize (IH ltac:(lia)). pose proof (by_ones j ltac:(lia)). lia.
  Qed.

  Lemma count_gap i j : i <= j -> j <= last g ->
    count (at_place g j) <= count (at_place g i) + (j - i).
  Proof.
    intros H. induction H as [|j H IH]; intros Hj; [lia|].
    specialize (IH ltac:(lia)). pose proof (by_ones j ltac:(lia)). lia.
  Qed.

  (** Everything that [next] can say before the place is reached. *)
  Lemma next_before m i : i < place ->
    let seen := at_place g i in let m' := note m seen in
    (count seen < key_count k - margin /\
     next m seen false =
       inr (RunToCount (key_count k - margin), {| is_armed := true; landed := landed m' |})) \/
    (next m seen false = inr (Step, m')) \/
    (exists p, key_pc k = Some p /\
     next m seen false = inr (RunToBreakpoint p (S (key_count k)), m')).
  Proof.
    intros Hi seen m'. subst seen m'. unfold next.
    destruct place_shows as [Hcount _].
    pose proof (count_monotone i place ltac:(lia) place_in_run) as Hle.
    assert (~ shows_key (at_place g i)) as Hnot.
    { intros H. apply unique in H; lia. }
    destruct (Nat.ltb_spec (key_count k) (count (at_place g i))); [lia|].
    unfold shows_key, creep in *.
    destruct (Nat.eqb_spec (count (at_place g i)) (key_count k)) as [E|E].
    - destruct (key_pc k) as [p|] eqn:Ep; simpl in *.
      + rewrite Nat.eqb_sym. destruct (Nat.eqb_spec (pc (at_place g i)) p) as [E1|E1]; simpl.
        * destruct (agrees_with (key_register k) (register (at_place g i))) eqn:Er; simpl;
            [|auto]. exfalso. apply Hnot. repeat split; auto. apply Nat.eqb_eq. auto.
        * right. right. exists p. auto.
      + destruct (agrees_with (key_register k) (register (at_place g i))) eqn:Er; simpl; [|auto].
        exfalso. apply Hnot. auto.
    - destruct (Nat.ltb_spec (count (at_place g i)) (key_count k - margin)) as [Hf|Hf]; [auto|].
      destruct (key_pc k) as [p|]; [|auto]. right. right. exists p. auto.
  Qed.

  Lemma next_at_place m : next m (at_place g place) false = inl Delivered.
  Proof.
    unfold next. destruct place_shows as (Hc & Hp & Hr). rewrite Hc, Nat.ltb_irrefl, Nat.eqb_refl.
    rewrite Hp, Hr, check_agrees. reflexivity.
  Qed.

  (** A run to the breakpoint never goes past the place. *)
  Lemma breakpoint_stops_in_time p i j alive :
    key_pc k = Some p -> i < place ->
    acts (RunToBreakpoint p (S (key_count k))) i j alive -> alive = true /\ j <= place.
  Proof.
    intros Hp Hi H. destruct place_shows as (Hc & Hpc & _). rewrite Hp in Hpc. simpl in Hpc.
    apply Nat.eqb_eq in Hpc. inversion H; subst.
    - split; [reflexivity|]. destruct (le_lt_dec j place) as [|Hlt]; [assumption|].
      exfalso. match goal with Hn : no_breakpoint _ _ _ |- _ => apply (Hn place) end; auto; lia.
    - exfalso. match goal with Hq : interrupts _ _ _ |- _ =>
        destruct Hq as (q & (Hafter & Hcount & _) & Hbefore & _) end.
      destruct (le_lt_dec q place) as [Hle|Hlt].
      + pose proof (count_monotone q place Hle place_in_run). lia.
      + match goal with Hn : no_breakpoint _ _ _ |- _ => apply (Hn place) end; auto; lia.
    - split; [reflexivity|]. destruct (le_lt_dec j place) as [|Hlt]; [assumption|].
      exfalso. match goal with Hn : no_breakpoint _ _ _ |- _ => apply (Hn place) end; auto; lia.
    - exfalso. match goal with Hn : no_breakpoint _ _ _ |- _ => apply (Hn place) end; auto.
  Qed.

  (** The counter's interrupts, armed a margin before the key, come before the place is passed.
      What that needs of margin and skid is shown below. *)
  Definition in_time : Prop :=
    forall i j, i < place -> count (at_place g i) < key_count k - margin ->
      interrupts (key_count k - margin) i j -> j <= place.

  (** A run to the count stops alive, if interrupts are in time. *)
  Lemma count_stops_in_time i j alive : in_time -> i < place ->
    count (at_place g i) < key_count k - margin ->
    acts (RunToCount (key_count k - margin)) i j alive -> alive = true /\ j <= place.
  Proof.
    intros Htime Hi Hfar H. destruct place_shows as (Hc & _). inversion H; subst.
    - split; [reflexivity|]. eapply Htime; eassumption.
    - split; [reflexivity|]. destruct (le_lt_dec j place) as [|Hlt]; [assumption|].
      match goal with Hn : forall r, _ -> _ -> _ < _ |- _ => specialize (Hn place Hi Hlt) end. lia.
    - exfalso. match goal with Hq : _ \/ _ |- _ => destruct Hq as [Hnone|(j0 & Hj & Hbeyond)] end.
      + specialize (Hnone place Hi place_in_run). lia.
      + pose proof (Htime i j0 Hi Hfar Hbeyond). lia.
  Qed.

  Lemma one_action m i a m' j alive : in_time -> i < place ->
    next m (at_place g i) false = inr (a, m') -> acts a i j alive -> alive = true /\ j <= place.
  Proof.
    intros Htime Hi Hn Ha.
    destruct (next_before m i Hi) as [[Hf E]|[E|(p & Hp & E)]]; rewrite E in Hn;
      injection Hn as <- <-.
    - eapply count_stops_in_time; eassumption.
    - inversion Ha; subst; [split; [reflexivity|lia] | lia].
    - eapply breakpoint_stops_in_time; eassumption.
  Qed.

  (** The theorem: whatever the adversary does, the outcome is delivery, at the place. *)
  Theorem delivers_exactly m i o f e : in_time -> i <= place ->
    matches m i false o f e -> o = Delivered /\ f = place /\ e = false.
  Proof.
    intros Htime Hi H. remember false as ended eqn:Eended. revert Hi.
    induction H as [m i ended o H|m i ended a m' j alive o f e Hn Ha Hm IH]; subst; intros Hi.
    - destruct (Nat.eq_dec i place) as [->|Hne].
      + rewrite next_at_place in H. injection H as <-. auto.
      + exfalso. destruct (next_before m i ltac:(lia)) as [[_ E]|[E|(p & _ & E)]];
          congruence.
    - destruct (Nat.eq_dec i place) as [->|Hne].
      + rewrite next_at_place in Hn. discriminate.
      + destruct (one_action m i a m' j alive Htime ltac:(lia) Hn Ha) as [-> Hj]. auto.
  Qed.

  (** ... and on the way it never stops past it. *)
  Theorem never_past m i f : in_time -> i <= place -> visits m i false f -> f <= place.
  Proof.
    intros Htime Hi H. remember false as ended eqn:Eended. revert Hi.
    induction H as [m i ended|m i ended a m' j alive f Hn Ha Hm IH]; subst; intros Hi;
      [assumption|].
    destruct (Nat.eq_dec i place) as [->|Hne].
    - rewrite next_at_place in Hn. discriminate.
    - destruct (one_action m i a m' j alive Htime ltac:(lia) Hn Ha) as [-> Hj]. auto.
  Qed.

  (** ** With any margin: the place, or a miss that says so

      A miss is never silent and never blamed on anything else: it is an overshoot (or, if the
      run ended meanwhile, an undershoot) whose [is_skid] is set; matchWithRewind then goes back
      and takes a larger margin. *)
  Definition tracked (m : Memory) (i : nat) (ended : bool) : Prop :=
    i <= last g /\ ((ended = false /\ i <= place) \/
      (place <= i /\ by_skid (note m (at_place g i)) = true)).

  Lemma note_rests m seen seen' : note (note m seen) seen' = note m seen.
  Proof. unfold note. destruct (is_armed m) eqn:E; simpl; [|rewrite E]; reflexivity. Qed.

  Lemma tracked_on m i ended a m' j alive :
    tracked m i ended -> next m (at_place g i) ended = inr (a, m') -> acts a i j alive ->
    tracked m' j (negb alive).
  Proof.
    intros [Hi Htr] Hn Ha. destruct (acts_forward a i j alive Ha Hi) as (Hij & Hj & Hlt).
    split; [assumption|].
    destruct ended.
    { destruct (ended_is_outcome m (at_place g i)) as [o E]. congruence. }
    destruct (le_lt_dec place i) as [Hp|Hp].
    - right. split; [lia|].
      assert (by_skid (note m (at_place g i)) = true) as Hskid.
      { destruct Htr as [[_ Hle]|[_ H]]; [|assumption].
        assert (i = place) as -> by lia. rewrite next_at_place in Hn. discriminate. }
      assert (key_count k <= count (at_place g i)) as Hc.
      { destruct place_shows as (<- & _). apply count_monotone; assumption. }
      assert (m' = note m (at_place g i)) as ->.
      { revert Hn. unfold next. destruct (key_count k <? count (at_place g i)); [discriminate|].
        destruct (Nat.eqb_spec (count (at_place g i)) (key_count k)).
        - repeat match goal with |- context [if ?b then _ else _] => destruct b end;
            intros E; congruence.
        - destruct (Nat.ltb_spec (count (at_place g i)) (key_count k - margin)); [lia|].
          intros E. congruence. }
      rewrite note_rests. assumption.
    - destruct (next_before m i Hp) as [[Hf E]|[E|(p & Hpc & E)]]; rewrite E in Hn;
        injection Hn as <- <-.
      + destruct (le_lt_dec place j) as [Hpj|Hpj].
        * right. split; [assumption|]. unfold by_skid, note. simpl. apply Nat.leb_le.
          destruct place_shows as (<- & _). apply count_monotone; assumption.
        * left. inversion Ha; subst; split; try reflexivity; lia.
      + left. inversion Ha; subst; [split; [reflexivity | lia] | lia].
      + left. destruct (breakpoint_stops_in_time p i j alive Hpc Hp Ha) as [-> Hjp]. auto.
  Qed.

  Lemma outcome_of_tracked m i ended o :
    tracked m i ended -> next m (at_place g i) ended = inl o ->
    (o = Delivered /\ i = place) \/ o = Overshoot true \/ (o = Undershoot true /\ ended = true).
  Proof.
    intros [Hi Htr] Hn.
    destruct Htr as [[-> Hle]|[Hp Hskid]].
    - destruct (Nat.eq_dec i place) as [->|Hne].
      + rewrite next_at_place in Hn. injection Hn as <-. auto.
      + exfalso. destruct (next_before m i ltac:(lia)) as [[_ E]|[E|(p & _ & E)]]; congruence.
    - revert Hn. unfold next. rewrite Hskid.
      destruct (key_count k <? count (at_place g i)); [intros E; injection E as <-; auto|].
      destruct (Nat.eqb_spec (count (at_place g i)) (key_count k)) as [Ec|_].
      + destruct (agrees_with (key_pc k) (pc (at_place g i))) eqn:Ep; simpl.
        * destruct (agrees_with (key_register k) (register (at_place g i))) eqn:Er; simpl.
          -- assert (i = place) as -> by (apply unique; [|repeat split]; assumption).
             rewrite check_agrees. simpl. intros E. injection E as <-. auto.
          -- destruct ended; intros E; [injection E as <-; auto | discriminate].
        * destruct ended; intros E; [injection E as <-; auto | discriminate].
      + destruct ended; [intros E; injection E as <-; auto|].
        destruct (count (at_place g i) <? key_count k - margin); discriminate.
  Qed.

  Theorem delivers_or_says_so m i o f e : i <= place ->
    matches m i false o f e ->
    (o = Delivered /\ f = place) \/ o = Overshoot true \/ (o = Undershoot true /\ e = true).
  Proof.
    intros Hi H. assert (tracked m i false) as Htr by (split; [lia | auto]).
    clear Hi. induction H as [m i ended o H|m i ended a m' j alive o f e Hn Ha Hm IH].
    - eapply outcome_of_tracked; eassumption.
    - apply IH. eapply tracked_on; eassumption.
  Qed.

  (** ** What the margin must be

      Margin in counts, skid in steps: a margin of at least the skid is enough, since a count
      takes at least one step. This is test/toy.ts, [skidMax] instructions. *)
  Theorem margin_covers_skid_in_steps skid :
    (forall q j, late q j -> j <= q + skid) -> skid <= margin -> in_time.
  Proof.
    intros Hlate Hm i j Hi Hfar (q & (Hq & Hcq & Hfirst) & Hqj & Hl).
    destruct place_shows as (Hc & _).
    assert (q <= place) as Hqp.
    { destruct (le_lt_dec q place) as [|Hlt]; [assumption|].
      specialize (Hfirst place Hi Hlt). lia. }
    assert (count (at_place g q) <= key_count k - margin) as Hexact.
    { destruct q as [|q]; [lia|]. pose proof (by_ones q ltac:(lia)).
      destruct (Nat.eq_dec q i) as [->|]; [lia|].
      specialize (Hfirst q ltac:(lia) ltac:(lia)). lia. }
    pose proof (count_gap q place Hqp place_in_run). specialize (Hlate q j Hl). lia.
  Qed.

  (** Skid in counts: the margin must be more than the skid. *)
  Theorem margin_covers_skid_in_counts skid :
    (forall q j, late q j -> forall r, q <= r -> r <= j ->
      count (at_place g r) <= count (at_place g q) + skid) ->
    skid < margin -> in_time.
  Proof.
    intros Hlate Hm i j Hi Hfar (q & (Hq & Hcq & Hfirst) & Hqj & Hl).
    destruct place_shows as (Hc & _).
    assert (q <= place) as Hqp.
    { destruct (le_lt_dec q place) as [|Hlt]; [assumption|].
      specialize (Hfirst place Hi Hlt). lia. }
    assert (count (at_place g q) <= key_count k - margin) as Hexact.
    { destruct q as [|q]; [lia|]. pose proof (by_ones q ltac:(lia)).
      destruct (Nat.eq_dec q i) as [->|]; [lia|].
      specialize (Hfirst q ltac:(lia) ltac:(lia)). lia. }
    destruct (le_lt_dec j place) as [|Hlt]; [assumption|].
    specialize (Hlate q j Hl place Hqp ltac:(lia)). lia.
  Qed.
End Matcher.

(** ** Equal is not enough where skid is counted in branches

    Branches at steps 0, 1 and 3; the place is (2, 8), reached after two steps. Armed at 1, late by
    one branch at most, the counter may interrupt one step past the place, before the next branch:
    margin 1, skid 1, overshoot. *)
Module EqualMargin.
  Definition g : Target :=
    {| at_place := fun i =>
         {| count := match i with 0 => 0 | 1 => 1 | 2 => 2 | 3 => 2 | _ => 3 end;
            pc := 4 * i; register := 0; check := 0 |};
       last := 4 |}.
  Definition k : Key := {| key_count := 2; key_pc := Some 8; key_register := None |}.
  Definition late (q j : nat) : Prop :=
    forall r, q <= r -> r <= j -> count (at_place g r) <= count (at_place g q) + 1.

  Theorem overshoots : matches k 1 None g late fresh 0 false (Overshoot true) 4 false.
  Proof.
    eapply match_act with (a := RunToCount 1) (j := 3) (alive := true); [reflexivity| |].
    - apply act_count; simpl; [lia | lia|]. exists 1. repeat split; simpl; [lia | lia | lia | lia|].
      intros [|[|[|[|r]]]] H1 H2; simpl; lia.
    - eapply match_act with (a := RunToBreakpoint 8 3) (j := 4) (alive := true); [reflexivity| |].
      + apply act_guard; simpl; [lia | lia | |].
        * intros r H1 H2. simpl. lia.
        * exists 4. repeat split; simpl; [lia | lia | lia | lia|].
          intros [|[|[|[|r]]]] H1 H2; simpl; lia.
      + apply match_end. reflexivity.
  Qed.
End EqualMargin.

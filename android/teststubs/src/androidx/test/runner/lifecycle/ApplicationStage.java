package androidx.test.runner.lifecycle;

/** The stages of an application. */
public enum ApplicationStage {
    PRE_ON_CREATE,
    CREATED
}

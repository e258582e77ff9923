import { defineMenu } from 'cordboard';
/** 700: the main menu: 1 sales, 2 support, 0 operator. */
export const menu = (prompts, targets) => {
    const main = defineMenu({ prompt: [prompts.file('welcome'), prompts.file('main-menu')], choices: { 1: 'sales', 2: 'support', 0: 'operator' } });
    return async (call) => {
        await call.answer();
        const answer = await call.ask(main);
        switch (answer.type) {
            case 'chosen':
                return targets[answer.value](call);
            case 'no-match':
                await call.play([prompts.file('sorry'), prompts.file('goodbye')]);
                return;
            case 'no-input':
                await call.play(prompts.file('goodbye'));
        }
    };
};
